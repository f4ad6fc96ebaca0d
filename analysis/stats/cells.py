"""Cells and panels: which trials may be compared with which?

A *cell* is all trials that differ in the seed alone. A *panel* is all cells that differ in norm, G and
batch size alone, so a figure of one panel compares like with like. Trials judged on held-out images and
trials judged on the test set differ in `holdout`, so they can never share a cell or a panel.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.sources.frame import STATUSES
from analysis.stats.intervals import CONFIDENCE
from analysis.stats.summary import Summary, summary
from model.spec import NORM_NAMES, NORMS

PANEL_KEYS = ("source", "dataset", "model", "shortcut", "recipe", "epochs", "iterations", "holdout")
CELL_KEYS = (*PANEL_KEYS, "norm", "groups", "batch_size")

#: How a trial's error is read off its epochs.
MEASURES = ("last", "median5")


@dataclass(frozen=True)
class Line:
    """What one line of a figure is: a norm, with its G."""

    norm: str
    groups: int | None

    @property
    def name(self) -> str:
        """Short: BN, GN (G = 8)."""
        short = self.norm.upper()
        return f"{short} (G = {self.groups})" if self.groups is not None else short

    @property
    def long_name(self) -> str:
        full = NORM_NAMES.get(self.norm, self.norm)
        return f"{full}, G = {self.groups}" if self.groups is not None else full

    @property
    def order(self) -> tuple[int, int]:
        rank = NORMS.index(self.norm) if self.norm in NORMS else len(NORMS)
        return rank, -(self.groups or 0)


def short_names(lines: Sequence[Line]) -> dict[Line, str]:
    """Names for running text: without G where only one G of the norm is there."""
    norms = Counter(line.norm for line in dict.fromkeys(lines))
    return {line: line.norm.upper() if norms[line.norm] == 1 else line.name for line in lines}


@dataclass(frozen=True)
class Panel:
    """The fields that the cells of one figure share; None where a source does not say."""

    source: str | None
    dataset: str | None
    model: str | None
    shortcut: str | None
    recipe: str | None
    epochs: int | None
    iterations: int | None
    holdout: int

    @property
    def judged(self) -> str:
        """The images that the error is measured on."""
        return "validation" if self.holdout else "test"

    @property
    def title(self) -> str:
        """What the panel's trials share, in a line."""
        shortcut = "identity shortcuts" if self.shortcut == "identity" else None
        held = f"{self.holdout:,} images held out" if self.holdout else None
        parts = [self.dataset, self.model, shortcut, self.recipe, self.length, held]
        return " · ".join(part for part in parts if part)

    @property
    def length(self) -> str:
        if self.epochs is not None:
            return f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        return f"{self.iterations:,} iterations" if self.iterations is not None else ""


@dataclass(frozen=True)
class Cell:
    """All trials that differ in the seed alone.

    `last` and `median5`: seed -> error in percent (test or validation, as the panel is judged), of the
    trials that ended well. `counts`: status -> trials; statuses that do not occur are absent.
    """

    panel: Panel
    line: Line
    batch_size: int
    last: dict[int, float]
    median5: dict[int, float]
    counts: dict[str, int]

    def errors(self, measure: str = "last") -> dict[int, float]:
        """Seed -> error in percent; `measure`: 'last' epoch, or 'median5' of the last five epochs."""
        return self.last if measure == "last" else self.median5

    def summary(self, measure: str = "last", level: float = CONFIDENCE) -> Summary:
        return summary(list(self.errors(measure).values()), level)

    @property
    def trials(self) -> int:
        return sum(self.counts.values())

    @property
    def remarks(self) -> str:
        """What is wanting: '1 failed, 2 missing'; empty where every trial is done."""
        return ", ".join(f"{n} {status}" for status, n in self.counts.items() if status != "done")


def cells(frame: pd.DataFrame) -> list[Cell]:
    """Every cell of the frame, by panel, norm, G (large first) and batch size (large first)."""
    found = [_cell(key, rows) for key, rows in _groups(frame)]
    order = {panel: i for i, panel in enumerate(dict.fromkeys(c.panel for c in found))}
    return sorted(found, key=lambda c: (order[c.panel], c.line.order, -c.batch_size))


def panels(frame: pd.DataFrame) -> dict[Panel, list[Cell]]:
    """The cells of each panel, panels in the order of the frame, those judged on the test set first."""
    found: dict[Panel, list[Cell]] = {}
    for cell in cells(frame):
        found.setdefault(cell.panel, []).append(cell)
    return dict(sorted(found.items(), key=lambda item: item[0].holdout > 0))


def _groups(frame: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    known = frame[frame["norm"].notna() & frame["batch_size"].notna()]
    grouped = known.groupby(list(CELL_KEYS), dropna=False, sort=False)
    yield from grouped


def _cell(key: tuple[Any, ...], rows: pd.DataFrame) -> Cell:
    plain = [None if pd.isna(v) else v for v in key]
    source, dataset, model, shortcut, recipe, epochs, iterations, holdout, norm, groups, batch_size = plain
    panel = Panel(source, dataset, model, shortcut, recipe, _int(epochs), _int(iterations), int(holdout or 0))
    prefix = "val_error" if panel.holdout else "test_error"
    done = rows[rows["status"] == "done"]
    counted = Counter(rows["status"].dropna())
    return Cell(
        panel=panel,
        line=Line(str(norm), _int(groups)),
        batch_size=int(batch_size or 0),
        last=_by_seed(done, prefix),
        median5=_by_seed(done, f"{prefix}_median5"),
        counts={status: counted[status] for status in STATUSES if counted[status]},
    )


def _by_seed(rows: pd.DataFrame, column: str) -> dict[int, float]:
    pairs = zip(rows["seed"], rows[column], strict=True)
    return {int(s): float(e) for s, e in sorted(pairs, key=lambda p: p[0]) if np.isfinite(e)}


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
