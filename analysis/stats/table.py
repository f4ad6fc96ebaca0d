"""The table of cells: one list of rows, whoever prints it.

Where the results hold more than norm × batch size (two data sets, test and validation, learning rates, …)
norm, G and batch size would not tell the rows apart, so each row also has every other axis that differs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from analysis.sources.frame import compared
from analysis.stats.axes import tells_apart
from analysis.stats.cells import Cell, panels
from analysis.stats.choices import DEFAULT, Choices
from analysis.stats.line import Line
from analysis.stats.roles import roles_of
from model.axis import Value


class CellRow(NamedTuple):
    """One cell, in percent of error. `differing`: what differs within the results beside norm, G and batch
    size, name -> value. `low`, `high`: Student's t interval."""

    differing: dict[str, Value]
    line: Line
    groups: Value
    batch_size: Value
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


def rows(frame: pd.DataFrame, choices: Choices = DEFAULT) -> list[CellRow]:
    """A row per cell, by the measure of `choices` and in the order of the figures that it asks for."""
    frame = compared(frame)
    grouped = panels(frame, roles_of(frame, choices.x))
    return rows_of([cell for group in grouped.values() for cell in group], choices.measure)


def rows_of(cells: Sequence[Cell], measure: str = "last") -> list[CellRow]:
    """A row for each of `cells`, in their order."""
    differing = _differing(cells)
    return [_row(cell, measure, differing) for cell in cells]


def mixed(table: Sequence[CellRow]) -> bool:
    """Whether not all was trained by the same code, so that each row has to say what trained it."""
    codes = {row.code for row in table if row.n}
    return len(codes) > 1 or any("+" in code or "," in code for code in codes)


def _row(cell: Cell, measure: str, differing: Sequence[str]) -> CellRow:
    s = cell.summary(measure)
    return CellRow(
        differing={name: cell.value(name) for name in differing},
        line=cell.line,
        groups=cell.value("groups"),
        batch_size=cell.value("batch_size"),
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


def _differing(cells: Sequence[Cell]) -> list[str]:
    names = cells[0].panel.roles.names if cells else ()
    return [name for name in names if tells_apart(name, ((c.panel.source, c.value(name)) for c in cells))]
