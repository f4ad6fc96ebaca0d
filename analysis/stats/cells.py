"""Cells and panels: the trials that may be compared with each other.

A *cell* is all trials that differ in the seed alone. A *panel* is all cells that differ in nothing but what
tells its lines apart and what they run over, norm, G and batch size in Figure 1, so a figure of one panel
compares like with like. Trials judged on held-out images and trials judged on the test set differ in
`holdout`, so they can never share a cell or a panel.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.sources.frame import STATUSES, Row, plain_column
from analysis.stats.anytime import Sequential
from analysis.stats.intervals import CONFIDENCE, PERCENT
from analysis.stats.line import Line, labels
from analysis.stats.panel import Panel
from analysis.stats.roles import CLASSIC, Roles
from analysis.stats.summary import Summary, summary
from model.axis import Value
from orchestrator.results.codes import UNKNOWN, short_label

_ERRORS = ("test_error", "test_error_median5", "val_error", "val_error_median5")


@dataclass(frozen=True)
class Cell:
    """All trials that differ in the seed alone.

    `x`: its value of the axis that lines run over. `last` and `median5`: seed -> error in percent (test or
    validation, as the panel is judged), of the trials that ended well. `counts`: status -> trials; statuses
    that do not occur are absent. `codes`: what trained those that have a result -> trials, by the short
    digest; empty where no trial says. `along`: the values of the axes that follow from line and x. `ids`:
    seed -> trial, of those that ended well.
    """

    panel: Panel
    line: Line
    x: Value
    last: dict[int, float]
    median5: dict[int, float]
    counts: dict[str, int]
    codes: dict[str, int] = field(default_factory=dict)
    along: tuple[Value, ...] = ()
    ids: dict[int, str] = field(default_factory=dict)

    def value(self, name: str) -> Value:
        """Of the source or any axis. Raises KeyError where `name` is none of this study."""
        roles = self.panel.roles
        if name == roles.x:
            return self.x
        if name in roles.along:
            return self.along[roles.along.index(name)]
        return self.line.value(name) if name in (*roles.more, "norm", "groups") else self.panel[name]

    @property
    def key(self) -> tuple[Value, ...]:
        """The values of `roles.cell`."""
        return tuple(self.value(name) for name in self.panel.roles.cell)

    @property
    def order(self) -> tuple[object, ...]:
        """By line, and within a line from the beginning of the axis to its end."""
        return self.line.order, self.panel.x.key(self.x)

    def errors(self, measure: str = "last") -> dict[int, float]:
        """Seed -> error in percent; `measure`: 'last' epoch, or 'median5' of the last five epochs."""
        return self.last if measure == "last" else self.median5

    def summary(self, measure: str = "last", level: float = CONFIDENCE) -> Summary:
        """Of the errors in percent; the interval is cut at 0 and 100."""
        return summary(list(self.errors(measure).values()), level, PERCENT, sequential=self.sequential)

    @property
    def sequential(self) -> bool:
        """Whether a rule added seeds as results came in."""
        return isinstance(self.last, Sequential)

    @property
    def code(self) -> str:
        """What trained it: 'e7fa551', or of several, after numbers of trials, '3 e7fa551, 1 0a1b2c3'."""
        if len(self.codes) < 2:
            return "".join(self.codes)
        return ", ".join(f"{n} {code}" for code, n in self.codes.items())

    @property
    def trials(self) -> int:
        return sum(self.counts.values())

    @property
    def remarks(self) -> str:
        """What is wanting: '1 failed, 2 missing'; empty where every trial is done."""
        return ", ".join(f"{n} {status}" for status, n in self.counts.items() if status != "done")


def cells(frame: pd.DataFrame, roles: Roles = CLASSIC) -> list[Cell]:
    """Every cell of the frame, by panel, norm, G (large first), further axes of its line, and x (large batch
    sizes first)."""
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in _rows(frame, roles):
        groups.setdefault(tuple(row[key] for key in roles.cell), []).append(row)
    named = labels(str(rows[0]["norm"]) for rows in groups.values())
    all_cells = [_cell(rows, roles, named) for rows in groups.values()]
    order = {panel: i for i, panel in enumerate(dict.fromkeys(c.panel for c in all_cells))}
    return sorted(all_cells, key=lambda c: (order[c.panel], *c.order))


def keys(frame: pd.DataFrame, roles: Roles) -> dict[str, tuple[Value, ...]]:
    """Trial id -> the key of its cell."""
    columns = [plain_column(frame[name]) for name in ("trial_id", *roles.cell)]
    return {str(trial_id): tuple(key) for trial_id, *key in zip(*columns, strict=True)}


def panels(frame: pd.DataFrame, roles: Roles = CLASSIC) -> dict[Panel, list[Cell]]:
    """The cells of each panel, panels in the order of the frame, those judged on the test set first."""
    by_panel: dict[Panel, list[Cell]] = {}
    for cell in cells(frame, roles):
        by_panel.setdefault(cell.panel, []).append(cell)
    return dict(sorted(by_panel.items(), key=lambda item: item[0].holdout > 0))


def _rows(frame: pd.DataFrame, roles: Roles) -> list[Row]:
    """What cells are made of, a trial a row, None for what is missing. As Python's own objects: a frame for
    each cell would take milliseconds."""
    names = (*roles.cell, "seed", "status", *_ERRORS, "code", "trial_id", "sequential")
    known = frame[frame["norm"].notna() & frame["batch_size"].notna()]
    columns = [plain_column(known[name]) for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _cell(rows: Sequence[Row], roles: Roles, named: Mapping[str, str]) -> Cell:
    first = rows[0]
    panel = Panel(first["source"], tuple(first[name] for name in roles.panel), roles)
    prefix = "val_error" if panel.holdout else "test_error"
    done = [row for row in rows if row["status"] == "done"]
    counted = Counter(row["status"] for row in rows)
    norm = str(first["norm"])
    more = tuple((name, first[name]) for name in roles.more)
    return Cell(
        panel=panel,
        line=Line(norm, None if roles.x == "groups" else first["groups"], more, named.get(norm, "")),
        x=first[roles.x],
        last=_by_seed(done, prefix),
        median5=_by_seed(done, f"{prefix}_median5"),
        counts={status: counted[status] for status in STATUSES if counted[status]},
        codes=_codes([row["code"] for row in rows if row["status"] in ("done", "diverged")]),
        along=tuple(first[name] for name in roles.along),
        ids={int(row["seed"] or 0): str(row["trial_id"]) for row in done},
    )


def _codes(said: Sequence[Value]) -> dict[str, int]:
    if all(label is None for label in said):
        return {}
    return dict(Counter(UNKNOWN if label is None else short_label(str(label)) for label in said))


def _by_seed(rows: Sequence[Row], column: str) -> dict[int, float]:
    pairs = [(int(row["seed"] or 0), row[column]) for row in rows]
    errors = {s: float(e) for s, e in sorted(pairs, key=lambda p: p[0]) if e is not None and math.isfinite(e)}
    return Sequential(errors) if any(row["sequential"] for row in rows) else errors


def plain_value(value: Any) -> Value:
    """A value of a frame as Python's own; None for pandas' missing ones."""
    if pd.isna(value):
        return None
    plain: Value = value.item() if isinstance(value, np.generic) else value
    return plain
