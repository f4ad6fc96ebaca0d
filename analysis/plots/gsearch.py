"""The G search: validation error over G.

Shown by validation error alone. The test set may not choose G: a G picked on the test set makes every
test error that follows too good (Wu & He 2018 leave the question open; Franke 2021 held out images).
"""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import palette, theme
from analysis.plots.published import published_search
from analysis.stats.axes import at
from analysis.stats.best_groups import contenders
from analysis.stats.cells import Cell
from analysis.stats.estimate import Errors
from analysis.stats.intervals import CI, PERCENT, interval
from analysis.stats.line import Line
from analysis.stats.panel import Panel


class GPoint(NamedTuple):
    """One G. Errors in percent of the held-out images; `values` by seed; `diverged`: how many trials did."""

    groups: int
    mean: float
    low: float
    high: float
    values: dict[int, float]
    diverged: int


class GSearchInfo(NamedTuple):
    """One search. `line`: the norm. `where`: what it was made at, in words: “batch size 32”. `points`: every
    G that has a result; `contenders`: those that may win, the best first; `paired`: whether the runs of a
    seed are pairs."""

    panel: Panel
    line: Line
    where: str
    points: list[GPoint]
    contenders: dict[int, Errors]
    published: dict[int, float]
    paired: bool


def infos(panel: Panel, cells: Sequence[Cell], *, paired: bool) -> list[GSearchInfo]:
    """One search for each norm in groups and batch size, or whatever else lines differ in beside G, that the
    panel tried; none on a panel judged by test."""
    if not panel.holdout:
        return []
    searches: dict[tuple[Line, str], list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: panel.x.key(cell.x)):
        if cell.line.groups is not None and cell.errors():
            where = ", ".join([panel.x.at(cell.x), *(at(*pair) for pair in cell.line.more)])
            norm = Line(cell.line.norm, label=cell.line.label)
            searches.setdefault((norm, where), []).append(cell)
    return [
        GSearchInfo(
            panel,
            norm,
            where,
            [point(cell) for cell in search],
            contenders(search),
            published_search(search),
            paired,
        )
        for (norm, where), search in searches.items()
    ]


def point(cell: Cell) -> GPoint:
    """What is shown of one G. `cell`: of group norm, with a result."""
    assert cell.line.groups is not None
    values = cell.errors()
    spread = interval(list(values.values()), sequential=cell.sequential).cut(PERCENT)
    mean = sum(values.values()) / len(values)
    diverged = cell.counts.get("diverged", 0)
    return GPoint(cell.line.groups, mean, spread.low, spread.high, values, diverged)


def figure(info: GSearchInfo) -> go.Figure:
    """Means with intervals and every seed, G as categories from large to small."""
    points = sorted(info.points, key=lambda p: -p.groups)
    style = palette.style(info.line.norm)
    traces = [_seeds(points, style), _means(points, style.colour)]
    known = [p.groups for p in points if p.groups in info.published]
    if known:
        traces.append(
            go.Scatter(
                x=[_label(groups) for groups in known],
                y=[info.published[groups] for groups in known],
                mode="markers",
                name="Franke 2021",
                marker={"size": 11, "symbol": "line-ew-open", "color": theme.FAINT, "line": {"width": 2}},
                hovertemplate="Franke 2021, %{x}: %{y:.2f}%<extra></extra>",
            )
        )
    return go.Figure(
        data=traces,
        layout=theme.layout(
            xaxis={
                "type": "category",
                "title": {"text": theme.plain(f"Groups of {info.line.short}, at {info.where}")},
            },
            yaxis={"title": {"text": "Validation error (%)"}},
        ),
    )


def _label(groups: int) -> str:
    return f"G = {groups}"


def _seeds(points: Sequence[GPoint], style: palette.Style) -> go.Scatter:
    dots = [(_label(p.groups), seed, value) for p in points for seed, value in p.values.items()]
    return go.Scatter(
        x=[label for label, _, _ in dots],
        y=[value for _, _, value in dots],
        customdata=[seed for _, seed, _ in dots],
        mode="markers",
        name="one seed",
        marker={"size": 6, "color": style.tint(0.5)},
        hovertemplate="%{x}, seed %{customdata}: %{y:.2f}%<extra></extra>",
    )


def _means(points: Sequence[GPoint], colour: str) -> go.Scatter:
    return go.Scatter(
        x=[_label(p.groups) for p in points],
        y=[p.mean for p in points],
        error_y=theme.error_bars(((p.low, p.mean, p.high) for p in points), colour, thickness=2, width=6),
        mode="markers",
        name=f"mean, {CI}",
        marker={"size": 11, "symbol": "square", "color": colour},
        hovertemplate="%{x}: mean %{y:.2f}%<extra></extra>",
    )
