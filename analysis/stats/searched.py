"""The cells of a sweep that had a search of their own, as its sweep.json and its trials tell of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.sources.frame import plain_column
from analysis.sources.tuning import tuning_record
from analysis.stats.cells import Cell, cells
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from analysis.stats.roles import Roles, roles_of
from analysis.stats.tuning import Tried, best, tried
from model.axis import Value
from model.spec import AXES
from orchestrator.results.records import CandidateRecord, TuningRecord


@dataclass(frozen=True)
class Searched:
    """One cell. `place`: in `candidates`, of what was chosen, None where nothing is yet. `tuned`: trained
    with it; `common`: at the recipe that all cells share, with its values `recipe`; either None where
    there are no such trials."""

    panel: Panel
    line: Line
    x: Value
    holdout: int
    candidates: tuple[Tried, ...]
    place: int | None
    tuned: Cell | None
    common: Cell | None
    recipe: tuple[tuple[str, Value], ...] = ()

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.candidates[0].values)

    @property
    def budget(self) -> tuple[int, int]:
        """Combinations of values, and seeds of each."""
        one = self.candidates[0]
        return len(self.candidates), len(one.errors) + one.diverged + one.wanting

    @property
    def as_common(self) -> bool:
        """Whether what was chosen is what the common recipe has."""
        return self.place is not None and dict(self.candidates[self.place].values) == dict(self.recipe)


def searched_cells(frame: pd.DataFrame, facts: Mapping[str, object], prefix: str = "") -> list[Searched]:
    """By line and x. `frame`: the trials of one sweep; `facts`: of its sweep.json; `prefix`: of the trial ids
    in the frame. Empty where nothing was searched."""
    record = tuning_record(facts)
    if record is None:
        return []
    by_id = frame[frame["seed"].notna() & frame["norm"].notna() & frame["batch_size"].notna()]
    by_id = by_id.set_index(by_id["trial_id"].str.removeprefix(prefix))
    beside = by_id[by_id.index.isin(record["beside"])]
    roles = _roles(by_id, record)
    found = [
        cell
        for search in record["searches"]
        if (cell := _searched(by_id, beside, search, roles[tuple(search[0]["values"])])) is not None
    ]
    return sorted(found, key=lambda cell: (cell.line.order, cell.panel.x.key(cell.x)))


def _neutral(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """The same trials, as if the searched axes were none and nothing was held out: then a cell is a cell
    whatever was chosen for it."""
    none = pd.Series(data=False, index=frame.index)
    return frame.assign(**{name: frame[name].where(none) for name in axes}, holdout=0)


def _roles(frame: pd.DataFrame, record: TuningRecord) -> dict[tuple[str, ...], Roles]:
    """By the axes that are searched: from the trials of the searches, which are there from the first day, so
    that the section does not change its shape while the sweep runs."""
    ids: dict[tuple[str, ...], list[str]] = {}
    for search in record["searches"]:
        ids.setdefault(tuple(search[0]["values"]), []).extend(i for one in search for i in one["search"])
    return {axes: roles_of(_neutral(frame[frame.index.isin(own)], axes)) for axes, own in ids.items()}


def _searched(
    frame: pd.DataFrame, others: pd.DataFrame, search: Sequence[CandidateRecord], roles: Roles
) -> Searched | None:
    """None where the frame has no trial of the search. `others`: the trials that no search decides on."""
    there = frame[frame.index.isin([i for one in search for i in one["search"]])]
    if there.empty:
        return None
    axes = list(search[0]["values"])
    candidates = tuple(_tried(there, one) for one in search)
    place = best(candidates)
    (cell, *_) = cells(_neutral(there, axes), roles)
    finals = [] if place is None else search[place]["final"]
    beside = _beside(others, there, axes)
    tuned = cells(_neutral(frame[frame.index.isin(finals)], axes), roles)
    common = cells(_neutral(beside, axes), roles)
    recipe = {name: plain_column(beside[name].head(1)) for name in axes}
    return Searched(
        cell.panel,
        cell.line,
        cell.x,
        int(there["holdout"].iloc[0]),
        candidates,
        place,
        tuned[0] if tuned else None,
        common[0] if common else None,
        tuple((name, values[0]) for name, values in recipe.items() if values),
    )


def _tried(frame: pd.DataFrame, one: CandidateRecord) -> Tried:
    own = frame[frame.index.isin(one["search"])]
    ended = own[(own["status"] == "diverged") | ((own["status"] == "done") & own["val_error"].notna())]
    errors = ended["val_error"].where(ended["status"] == "done")
    results = dict(zip(ended["seed"].astype(int).tolist(), plain_column(errors), strict=True))
    return tried(one["values"], results, len(one["search"]))


def _beside(frame: pd.DataFrame, there: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """The trials of this cell at the recipe that no search decides on; none where there are several."""
    first = there.iloc[0]
    same = [name for name in ("source", *AXES) if name not in {*axes, "holdout"}]
    for name in same:
        value = first[name]
        frame = frame[frame[name].isna() if pd.isna(value) else (frame[name] == value).fillna(False)]
    frame = frame[frame["holdout"] == 0]
    return frame if len(frame[list(axes)].drop_duplicates()) == 1 else frame.iloc[:0]
