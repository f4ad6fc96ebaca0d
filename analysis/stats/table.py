"""The table of cells: one list of rows, whoever prints it.

Where the results hold more than one panel (two data sets, test and validation, …) norm, G and batch size
would not tell the rows apart, so each row also has the fields of its panel that differ.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from analysis.stats.cells import PANEL_KEYS, Cell, Line, Panel, panels


class CellRow(NamedTuple):
    """One cell, in percent of error. `panel`: the fields of its panel that differ within the results, name ->
    value. `low`, `high`: Student's t interval."""

    panel: dict[str, Any]
    line: Line
    batch_size: int
    n: int
    mean: float
    sd: float
    low: float
    high: float
    minimum: float
    median: float
    maximum: float
    remarks: str
    code: str


def rows(frame: pd.DataFrame, measure: str = "last") -> list[CellRow]:
    """A row per cell. `measure`: 'last' epoch or 'median5' of the last five."""
    return rows_of([cell for group in panels(frame).values() for cell in group], measure)


def rows_of(cells: Sequence[Cell], measure: str = "last") -> list[CellRow]:
    """A row for each of `cells`, in their order."""
    differing = _differing([cell.panel for cell in cells])
    return [_row(cell, measure, differing) for cell in cells]


def mixed(table: Sequence[CellRow]) -> bool:
    """Whether not all was trained by the same code, so that each row has to say what trained it."""
    codes = {row.code for row in table if row.n}
    return len(codes) > 1 or any("+" in code or "," in code for code in codes)


def _row(cell: Cell, measure: str, differing: Sequence[str]) -> CellRow:
    s = cell.summary(measure)
    return CellRow(
        panel={key: cell.panel[key] for key in differing},
        line=cell.line,
        batch_size=cell.batch_size,
        n=s.n,
        mean=s.mean,
        sd=s.sd,
        low=s.interval.low,
        high=s.interval.high,
        minimum=s.low,
        median=s.median,
        maximum=s.high,
        remarks=cell.remarks,
        code=cell.code,
    )


def _differing(panels: Sequence[Panel]) -> list[str]:
    return [key for key in PANEL_KEYS if len({panel[key] for panel in panels}) > 1]
