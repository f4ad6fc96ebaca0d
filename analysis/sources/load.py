"""From a folder, a bucket, a Ray ResultGrid or a CSV to one frame.

A row is every trial that was declared, whether it ran or not, and every trial in the folder that is no
longer declared: a trial that is missing from the results must not be missing from the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any, Literal
from warnings import warn

import numpy as np
import pandas as pd

from analysis.sources import csv, result_grid
from analysis.sources.frame import EVALUATION_COLUMNS, HISTORY_COLUMNS, IDENTITY, Row, make
from analysis.sources.periods import periods
from analysis.sources.result_grid import ResultGrid
from analysis.sources.tuning import tuning_record, uses
from model.errors import InputError
from model.spec import full_name
from orchestrator.results import analysis_plan, evaluations
from orchestrator.results.codes import label, mixture, record_of, short_label, trained_by
from orchestrator.results.damage import damage
from orchestrator.results.files import Files
from orchestrator.results.records import PlanVersion
from orchestrator.results.shapes import covers, holds
from orchestrator.results.store import Store
from orchestrator.results.stretches import changed, changes, stretches_of
from orchestrator.results.trial_state import TrialState, other_trial

#: A sweep's own folder or ResultGrid; a table with the columns of results.csv; a study's CSV of accuracies,
#: which says nothing else.
Origin = Literal["sweep", "table", "study"]


@dataclass(frozen=True)
class Sweep:
    """Everything that a report is made from.

    `frame`: a row per trial (sources.frame.COLUMNS). `history`: a row per trial and epoch; where `step` is
    above 1, of each so-manieth epoch from the first on and of the last, and `periods` has the time of all
    (sources.periods). `facts`: the
    parsed sweep.json without its trials. `packs`: trial id -> the ids trained with it. `protocols`: trial
    id -> the version of the code's training that it declares. `provenance`: what computed a finished trial,
    for each stretch of its epochs, with `trial_id`, `cell`, `code` and, in words, `changes`. `evaluations`: a
    row for each evaluation of a stored network (frame.EVALUATION_COLUMNS). `plans`: every version of the plan
    of the analysis, the last one last. `warnings`: what
    was wrong with the files, in words. `origin`: what kind of source it came from. `paired`: whether the runs
    of a seed are pairs: a sweep's are, since the seed starts both norms alike and shows them the same images
    in the same order; of a table only who made it can say.
    """

    name: str
    source: str
    frame: pd.DataFrame
    history: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    packs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    provenance: tuple[dict[str, Any], ...] = ()
    protocols: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    origin: Origin = "sweep"
    paired: bool = True
    evaluations: pd.DataFrame = field(default_factory=lambda: make([], EVALUATION_COLUMNS))
    plans: tuple[PlanVersion, ...] = ()
    periods: pd.DataFrame | None = None
    step: int = 1


#: Where results can come from: a folder or a CSV by path or URL, a ResultGrid, a frame, a sweep already read.
Source = str | PathLike[str] | ResultGrid | pd.DataFrame | Sweep


def load(source: Source, axes: Sequence[str] = ()) -> pd.DataFrame:
    """One row per trial. `source`: a sweep's folder (path or URL), a Ray ResultGrid, a results.csv, or a
    CSV with the columns seed, batch_size, norm, accuracy. `axes`: further columns of a CSV that tell trials
    apart; those that have the name of an axis of ours do without. Damaged files are told as warnings. Raises
    InputError."""
    sweep = load_sweep(source, history=False, axes=axes)
    for warning in sweep.warnings:
        warn(warning, stacklevel=2)
    sweep.frame.attrs |= {"origin": sweep.origin, "axes": tuple(axes)}
    return sweep.frame


def load_history(source: Source) -> pd.DataFrame:
    """One row per trial and epoch (frame.HISTORY_COLUMNS); empty for a CSV. Raises InputError."""
    return load_sweep(source).history


def load_sweep(
    source: Source,
    *,
    history: bool = True,
    thin: bool = False,
    paired: bool = False,
    axes: Sequence[str] = (),
) -> Sweep:
    """The whole sweep; `history=False` leaves the epochs of finished trials unread; `thin` keeps so many of
    them as memory should hold, see Sweep.step. `paired`: whether the
    runs of a seed are pairs in a table, which does not say; a sweep's are. `axes`: columns of a table that
    tell its trials apart and are none of ours. Raises InputError."""
    if isinstance(source, Sweep):
        return source
    if isinstance(source, pd.DataFrame):
        origin = source.attrs.get("origin", "table")
        own = [*source.attrs.get("axes", ()), *axes]
        return _table("frame", "", csv.complete(source, axes=own), origin, paired or origin == "sweep")
    if not isinstance(source, (str, PathLike)):
        if not result_grid.is_result_grid(source):
            raise InputError(
                f"cannot read results from a {type(source).__name__}; give a path or a ResultGrid"
            )
        name, rows, epochs = result_grid.read(source)
        return Sweep(name, name, make(rows), make(epochs, HISTORY_COLUMNS))
    url = fspath(source).rstrip("/") or "/"
    name = url.rsplit("/", 1)[-1]
    if url.lower().endswith(".csv"):
        frame, origin = csv.read(url, axes)
        return _table(name, url, frame, origin, paired)
    return _read_store(url, history=history, thin=thin)


def _table(name: str, source: str, frame: pd.DataFrame, origin: Origin, paired: bool) -> Sweep:
    return Sweep(name, source, frame, make([], HISTORY_COLUMNS), origin=origin, paired=paired)


# -- a sweep's folder --------------------------------------------------------------------------------


def _read_store(url: str, *, history: bool, thin: bool) -> Sweep:
    store = Store(url)
    if not store.files.local:
        store.files.readable()  # a bucket has many ways to refuse, each with a remedy
    try:
        facts: Row = {**(store.sweep() or {})}
        states = store.scan()
    except NotADirectoryError:
        facts, states = {}, {}
    except PermissionError as error:
        raise InputError(f"cannot read {url}: {error.strerror}") from None
    if not facts and not states:
        raise InputError(_no_sweep(store.files, url))
    declared: dict[str, Row] = _identities(facts.get("trials"))
    strangers = [trial_id for trial_id in states if trial_id not in declared]
    identities = {**declared, **store.identities(strangers)}
    rows: list[Row] = []
    warnings: list[str] = []
    packs: dict[str, tuple[str, ...]] = {}
    plans = analysis_plan.versions_of(facts)
    for trial_id in [*declared, *sorted(strangers)]:
        state = states.get(trial_id, TrialState(trial_id, "missing"))
        rows.append(row_of(state, identities.get(trial_id, {}), trial_id in declared, url))
        warnings += state.warnings
        packs[trial_id] = _pack(state)
    tuned = uses(tuning_record(facts), declared)
    for row in rows:
        row["sequential"] = analysis_plan.sequential(plans)
        row["tuning"] = tuned.get(row["trial_id"])
    mixed = mixture(states.values(), identities, record_of(facts))
    moved = changed(states.values())
    step = _step(states) if thin and history else 1
    epochs, times, damaged = _history(store, states if history else {}, step)
    answers, ignored = evaluations.read(store.files, states) if history else ([], [])
    return Sweep(
        name=str(facts.get("name") or url.rsplit("/", 1)[-1]),
        source=url,
        frame=make(rows),
        history=epochs,
        facts={k: v for k, v in facts.items() if k not in {"trials", analysis_plan.KEY}},
        plans=tuple(plans),
        packs=packs,
        provenance=tuple(one for state in states.values() for one in _provenance(state)),
        protocols={i: p for i, row in identities.items() if isinstance(p := row.get("protocol"), int)},
        warnings=tuple(
            dict.fromkeys(
                [*filter(None, (mixed, moved)), *warnings, *damaged, *ignored, *damage(store, states)]
            )
        ),
        evaluations=make(answers, EVALUATION_COLUMNS),
        periods=times,
        step=step,
    )


def _provenance(state: TrialState) -> list[dict[str, Any]]:
    """What computed a finished trial, for each stretch of its epochs, the last one last."""
    if state.result is None or not isinstance(state.result.get("provenance"), dict):
        return []
    stretches = stretches_of({**state.result})
    about = {
        "trial_id": state.trial_id,
        "cell": full_name({**state.result}),
        "code": short_label(label(trained_by(state)) or ""),
        "changes": "; ".join(changes(stretches)),
    }
    return [{**{k: v for k, v in one["provenance"].items() if v is not None}, **about} for one in stretches]


#: Histories parsed at a time: as Python objects the epochs of 10,000 trials would fill gigabytes.
_CHUNK = 200


#: Epochs that a report holds; a row of HISTORY_COLUMNS has some 150 bytes.
MOST_EPOCHS = 1_000_000


def _step(states: Mapping[str, TrialState]) -> int:
    """Each so-manieth epoch can be kept of every trial."""
    epochs = sum(state.result.get("epochs_run") or 0 for state in states.values() if state.result)
    epochs += sum(len(state.records) for state in states.values() if not state.result)
    return max(1, -(-epochs // MOST_EPOCHS))


def _history(
    store: Store, states: dict[str, TrialState], step: int
) -> tuple[pd.DataFrame, pd.DataFrame | None, list[str]]:
    """The epochs of every trial, or each `step`th and the periods of all, and what was damaged among their
    files."""
    frames, times, damaged = [], [], []
    lasts = {i: s.result.get("epochs_run") for i, s in states.items() if s.result and s.status == "done"}
    for chunk in _chunks(list(states)):
        names = {f"trials/{trial_id}/history.json": trial_id for trial_id in chunk}
        rows: list[Row] = []
        for name, value in store.files.read_jsons(list(names)).items():
            if not isinstance(value, dict) or not holds("history.json", value):
                damaged.append(f"{name} is damaged and was ignored")
            elif (stranger := other_trial(value, names[name])) is not None:
                damaged.append(f"{name} is another trial's ({stranger}) and was ignored")
            else:
                rows += [{**entry, "trial_id": names[name]} for entry in value["epochs"]]
                if not covers(value, states[names[name]].result):
                    damaged.append(f"{name} has fewer epochs than its result")
        frame = make(rows, HISTORY_COLUMNS)
        if step > 1:
            times.append(periods(frame))
            # no last epoch of one that diverged: the others' mean would have a point of that trial alone
            epoch = frame["epoch"].to_numpy(dtype=float, na_value=np.nan)
            last = np.array([lasts.get(trial_id) for trial_id in frame["trial_id"]], dtype=float)
            frame = frame[((epoch - 1) % step == 0) | (epoch == last)]
        frames.append(frame)
    kept = [frame for frame in frames if not frame.empty]
    epochs = pd.concat(kept, ignore_index=True) if kept else make([], HISTORY_COLUMNS)
    return epochs, pd.concat(times, ignore_index=True) if times else None, damaged


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[i : i + _CHUNK] for i in range(0, len(ids), _CHUNK)]


def _identities(trials: object) -> dict[str, Row]:
    if not isinstance(trials, dict):
        return {}
    return {str(key): value for key, value in trials.items() if isinstance(value, dict)}


def _no_sweep(files: Files, url: str) -> str:
    if not files.fs.exists(files.root):
        return f"no such folder: {url}. Give a sweep's results folder or a .csv file."
    if files.fs.isfile(files.root):
        return f"{url} is a file, but no .csv. Give a sweep's results folder or a .csv file."
    return f"{url} is no sweep: it has neither sweep.json nor trials. Give the folder named by --results."


def row_of(state: TrialState, identity: Row, declared: bool, url: str) -> Row:
    """A trial's row of the frame, before it is typed."""
    result: Row = {**(state.result or {})}
    failure: Row = {**(state.failure or {})}
    entries = _entries({**(state.history or {})})
    epochs_run = result.get("epochs_run") or (entries[-1].get("epoch") if entries else None)
    pack, provenance = _pack(state), result.get("provenance")
    return {
        **result,
        **{key: identity[key] for key in IDENTITY if key in identity},
        "trial_id": state.trial_id,
        "status": state.status,
        "epochs_run": epochs_run if epochs_run is not None else (max(state.epochs, default=None)),
        "pack_size": len(pack) or None,
        "attempts": failure.get("attempts"),
        "failure": failure.get("error"),
        "commit": provenance.get("commit") if isinstance(provenance, dict) else None,
        "code": label(trained_by(state)),
        "declared": declared,
        "source": url,
    }


def _entries(history: Row | None) -> list[Row]:
    epochs = (history or {}).get("epochs")
    return [entry for entry in epochs if isinstance(entry, dict)] if isinstance(epochs, list) else []


def _pack(state: TrialState) -> tuple[str, ...]:
    pack = (state.result and state.result.get("pack")) or (state.history and state.history.get("pack"))
    return tuple(map(str, pack)) if isinstance(pack, list) else ()
