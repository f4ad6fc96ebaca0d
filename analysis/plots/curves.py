"""Learning curves: error over epochs, by cell, as bands over seeds.

A mean over seeds may only be taken where every seed still runs: an epoch's band is drawn from the seeds
that reached it, and the hover says how many those were.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from analysis.plots import palette, theme
from analysis.plots.theme import Json
from analysis.sources.frame import plain_column
from analysis.stats.cells import Cell
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from model.axis import Value

#: Epochs kept in a page; more are thinned evenly, first and last kept.
MAX_POINTS = 200


class Curve(NamedTuple):
    """Over `epochs` [E]: mean, lowest and highest of the seeds, in percent, and how many seeds there were."""

    epochs: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]
    seeds: list[int]


class CellCurves(NamedTuple):
    """One cell's curves; None where nothing was measured. `judged`: on test or validation images."""

    panel: Panel
    line: Line
    x: Value
    train: Curve | None
    judged: Curve | None


def infos(cells: Sequence[Cell], frame: pd.DataFrame, history: pd.DataFrame) -> list[CellCurves]:
    """The curves of each cell that has any epochs, in the order of `cells`."""
    if history.empty:
        return []
    columns = [plain_column(frame[name]) for name in cells[0].panel.roles.cell] if cells else []
    numbers: dict[tuple[Value, ...], int] = {}
    cell_of = {
        trial_id: numbers.setdefault(key, len(numbers))
        for trial_id, key in zip(frame["trial_id"], zip(*columns, strict=True), strict=True)
    }
    epochs_of = dict(list(history.groupby(history["trial_id"].map(cell_of))))
    curves = []
    for cell in cells:
        rows = epochs_of.get(numbers.get(cell.key, -1))
        if rows is not None:
            judged = "val_error" if cell.panel.holdout else "test_error"
            curves.append(
                CellCurves(cell.panel, cell.line, cell.x, curve(rows, "train_error"), curve(rows, judged))
            )
    return curves


def curve(rows: pd.DataFrame, column: str) -> Curve | None:
    """The mean and range of `column` over the trials in `rows`, by epoch."""
    known = rows[rows[column].notna() & rows["epoch"].notna()]
    if known.empty:
        return None
    epoch: NDArray[np.int64] = known["epoch"].to_numpy(dtype=np.int64)
    value = known[column].to_numpy(dtype=float)
    order = np.argsort(epoch, kind="stable")
    epochs, starts, counts = np.unique(epoch[order], return_index=True, return_counts=True)
    value = value[order]
    mean = np.add.reduceat(value, starts) / counts
    low, high = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
    keep = _thinned(len(epochs))
    return Curve(
        epochs[keep].tolist(),
        np.round(mean[keep], 3).tolist(),
        np.round(low[keep], 3).tolist(),
        np.round(high[keep], 3).tolist(),
        counts[keep].tolist(),
    )


def _thinned(count: int) -> NDArray[np.int64]:
    if count <= MAX_POINTS:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, MAX_POINTS).round().astype(np.int64))


def figure(curves: Sequence[CellCurves], styles: dict[Line, palette.Style]) -> go.Figure:
    """Cells over each other: test (or validation) error solid with its band, training error dotted."""
    return go.Figure(drawing(curves, styles))


def drawing(curves: Sequence[CellCurves], styles: dict[Line, palette.Style]) -> Json:
    """The figure as plain data: a page has one for each x of each panel, and plotly's own checks would take
    most of its time."""
    traces: list[Json] = []
    for cell in curves:
        style = styles[cell.line]
        if cell.judged is not None:
            traces += [_band(cell, cell.judged, style), _line(cell, cell.judged, style, cell.panel.judged)]
        if cell.train is not None:
            traces.append(_line(cell, cell.train, style, "training"))
    layout = theme.layout(
        xaxis={"title": {"text": "Epoch"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "Error (%)"}, "rangemode": "tozero"},
        hovermode="x unified",
    )
    return {"data": traces, "layout": layout}


def _line(cell: CellCurves, curve: Curve, style: palette.Style, what: str) -> Json:
    training = what == "training"
    return theme.scatter(
        x=curve.epochs,
        y=curve.mean,
        mode="lines" if len(curve.epochs) > 1 else "markers",
        name=f"{theme.plain(cell.line.name)}, {what}",
        line={"color": style.tint(0.75) if training else style.colour, "width": 1.5 if training else 2.25,
              "dash": "dot" if training else style.dash},
        customdata=curve.seeds,
        hovertemplate="%{y:.2f}% (mean of %{customdata})",
        meta={"role": what, "line": cell.line.name},
    )  # fmt: skip


def _band(cell: CellCurves, curve: Curve, style: palette.Style) -> Json:
    return theme.scatter(
        x=curve.epochs + curve.epochs[::-1],
        y=curve.high + curve.low[::-1],
        mode="lines",
        fill="toself",
        fillcolor=style.tint(0.15),
        line={"width": 0, "color": style.tint(0.15)},
        showlegend=False,
        hoverinfo="skip",
        name=f"{theme.plain(cell.line.name)}, seeds",
        meta={"role": "band", "line": cell.line.name},
    )
