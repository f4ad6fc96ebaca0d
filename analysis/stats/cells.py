"""Cells and panels: the trials that may be compared with each other.

A *cell* is all trials that differ in the seed alone. A *panel* is all cells that differ in norm, G and
batch size alone, so a figure of one panel compares like with like. Trials judged on held-out images and
trials judged on the test set differ in `holdout`, so they can never share a cell or a panel.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.sources.frame import STATUSES, Row
from analysis.stats.intervals import CONFIDENCE, PERCENT
from analysis.stats.summary import Summary, summary
from model.axis import Value
from model.norm_table import NORM_NAMES, NORMS
from model.spec import AXES
from orchestrator.results.codes import UNKNOWN, short_label

#: The axes that one figure shows; every other axis tells one panel from another.
_DRAWN = ("norm", "groups", "batch_size")
PANEL_AXES = tuple(axis for name, axis in AXES.items() if name not in _DRAWN)
PANEL_KEYS = ("source", *(axis.name for axis in PANEL_AXES))
CELL_KEYS = (*PANEL_KEYS, *_DRAWN)
_ERRORS = ("test_error", "test_error_median5", "val_error", "val_error_median5")
_READ = (*CELL_KEYS, "seed", "status", *_ERRORS, "code")

#: Recipe -> what a title calls it.
RECIPE_NAMES: dict[Value, str] = {
    "wu2018": "recipe of Wu & He (2018)",
    "he2015": "recipe of He et al. (2015)",
}


@dataclass(frozen=True)
class Line:
    """What one line of a figure is: a norm, with its G."""

    norm: str
    groups: int | None

    @property
    def name(self) -> str:
        """Short: BN, GN (G = 8); a norm that is none of ours as its file spells it."""
        return f"{self.short} (G = {self.groups})" if self.groups is not None else self.short

    @property
    def short(self) -> str:
        """The norm alone: BN, GN."""
        return self.norm.upper() if self.norm in NORMS else self.norm

    @property
    def long_name(self) -> str:
        full = NORM_NAMES.get(self.norm, self.norm)
        return f"{full}, G = {self.groups}" if self.groups is not None else full

    @property
    def order(self) -> tuple[int, str, int]:
        rank = NORMS.index(self.norm) if self.norm in NORMS else len(NORMS)
        return rank, self.norm, -(self.groups or 0)


def short_names(lines: Sequence[Line]) -> dict[Line, str]:
    """Names for running text: without G where only one G of the norm is there."""
    norms = Counter(line.norm for line in dict.fromkeys(lines))
    return {line: line.short if norms[line.norm] == 1 else line.name for line in lines}


@dataclass(frozen=True)
class Panel:
    """What the cells of one figure share: their source, and the `values` of PANEL_AXES in order."""

    source: str | None
    values: tuple[Value, ...]

    def __getitem__(self, key: str) -> Value:
        """The source or the value of an axis, by its name."""
        return dict(zip(PANEL_KEYS, (self.source, *self.values), strict=True))[key]

    @property
    def dataset(self) -> str | None:
        return _text(self["dataset"])

    @property
    def model(self) -> str | None:
        return _text(self["model"])

    @property
    def shortcut(self) -> str | None:
        return _text(self["shortcut"])

    @property
    def holdout(self) -> int:
        """Training images held out; 0 where there are none, or the source does not say."""
        return int(self["holdout"] or 0)

    @property
    def judged(self) -> str:
        """The images that the error is measured on; empty where the source does not say."""
        if self.holdout:
            return "validation"
        return "" if self["holdout"] is None else "test"

    def measured(self, quantity: str = "error") -> str:
        """“test error”, “validation accuracy”, or the quantity alone where nobody says on what."""
        return f"{self.judged} {quantity}".strip()

    @property
    def title(self) -> str:
        """What the panel's trials share, in a line."""
        pairs = zip(PANEL_AXES, self.values, strict=True)
        named = (RECIPE_NAMES.get(value) or axis.in_title(value) for axis, value in pairs)
        return " · ".join(words for words in named if words)


@dataclass(frozen=True)
class Cell:
    """All trials that differ in the seed alone.

    `last` and `median5`: seed -> error in percent (test or validation, as the panel is judged), of the
    trials that ended well. `counts`: status -> trials; statuses that do not occur are absent. `codes`: what
    trained those that have a result -> trials, by the short digest; empty where no trial says.
    """

    panel: Panel
    line: Line
    batch_size: int
    last: dict[int, float]
    median5: dict[int, float]
    counts: dict[str, int]
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Value, ...]:
        """The values of CELL_KEYS."""
        return (*(self.panel[key] for key in PANEL_KEYS), self.line.norm, self.line.groups, self.batch_size)

    def errors(self, measure: str = "last") -> dict[int, float]:
        """Seed -> error in percent; `measure`: 'last' epoch, or 'median5' of the last five epochs."""
        return self.last if measure == "last" else self.median5

    def summary(self, measure: str = "last", level: float = CONFIDENCE) -> Summary:
        """Of the errors in percent; the interval is cut at 0 and 100."""
        return summary(list(self.errors(measure).values()), level, PERCENT)

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


def cells(frame: pd.DataFrame) -> list[Cell]:
    """Every cell of the frame, by panel, norm, G (large first) and batch size (large first)."""
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in _rows(frame):
        groups.setdefault(tuple(row[key] for key in CELL_KEYS), []).append(row)
    all_cells = [_cell(rows) for rows in groups.values()]
    order = {panel: i for i, panel in enumerate(dict.fromkeys(c.panel for c in all_cells))}
    return sorted(all_cells, key=lambda c: (order[c.panel], c.line.order, -c.batch_size))


def panels(frame: pd.DataFrame) -> dict[Panel, list[Cell]]:
    """The cells of each panel, panels in the order of the frame, those judged on the test set first."""
    by_panel: dict[Panel, list[Cell]] = {}
    for cell in cells(frame):
        by_panel.setdefault(cell.panel, []).append(cell)
    return dict(sorted(by_panel.items(), key=lambda item: item[0].holdout > 0))


def _rows(frame: pd.DataFrame) -> list[Row]:
    """What cells are made of, a trial a row, None for what is missing. As Python's own objects: a frame for
    each cell would take milliseconds."""
    known = frame[frame["norm"].notna() & frame["batch_size"].notna()]
    columns = [known[name].astype(object).where(known[name].notna(), None).tolist() for name in _READ]
    return [dict(zip(_READ, values, strict=True)) for values in zip(*columns, strict=True)]


def _cell(rows: Sequence[Row]) -> Cell:
    first = rows[0]
    panel = Panel(
        _text(first["source"]),
        tuple(_int(first[a.name]) if a.kind == "int" else first[a.name] for a in PANEL_AXES),
    )
    prefix = "val_error" if panel.holdout else "test_error"
    done = [row for row in rows if row["status"] == "done"]
    counted = Counter(row["status"] for row in rows)
    return Cell(
        panel=panel,
        line=Line(str(first["norm"]), _int(first["groups"])),
        batch_size=int(first["batch_size"] or 0),
        last=_by_seed(done, prefix),
        median5=_by_seed(done, f"{prefix}_median5"),
        counts={status: counted[status] for status in STATUSES if counted[status]},
        codes=_codes([row["code"] for row in rows if row["status"] in ("done", "diverged")]),
    )


def _codes(said: Sequence[Value]) -> dict[str, int]:
    if all(label is None for label in said):
        return {}
    return dict(Counter(UNKNOWN if label is None else short_label(str(label)) for label in said))


def _by_seed(rows: Sequence[Row], column: str) -> dict[int, float]:
    pairs = [(int(row["seed"] or 0), row[column]) for row in rows]
    return {s: float(e) for s, e in sorted(pairs, key=lambda p: p[0]) if e is not None and math.isfinite(e)}


def plain_value(value: Any) -> Value:
    """A value of a frame as Python's own; None for pandas' missing ones."""
    if pd.isna(value):
        return None
    plain: Value = value.item() if isinstance(value, np.generic) else value
    return plain


def _int(value: Value) -> int | None:
    return None if value is None else int(value)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
