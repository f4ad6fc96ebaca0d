"""The differences as a figure: zero is the question, intervals are the answer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import palette, theme
from analysis.plots.x_axis import Places, places_of
from analysis.stats.axes import XAxis
from analysis.stats.differences import Difference
from analysis.stats.intervals import CI
from analysis.stats.line import Line
from model.axis import Value

#: How far the dots of seeds stand beside their mean, in steps of x: a factor of 0.96 in batch size.
_DOTS = math.log2(0.96)


class Point(NamedTuple):
    """One difference, in points of error. `low`, `high`: NaN where the seeds are too few. `values`: seed ->
    difference, empty where runs are independent. `n`: the seeds, in words."""

    x: Value
    mean: float
    low: float
    high: float
    values: dict[int, float]
    n: str


class DifferencesInfo(NamedTuple):
    """The points of each line and what it is compared with."""

    axis: XAxis
    points: dict[tuple[Line, Line], list[Point]]

    @property
    def base(self) -> Line | None:
        """What all are compared with; None where that is not one."""
        bases = {base for _, base in self.points}
        return bases.pop() if len(bases) == 1 else None


def info(differences: Sequence[Difference]) -> DifferencesInfo | None:
    """The figure's data; None where there is nothing to compare."""
    points: dict[tuple[Line, Line], list[Point]] = {}
    for d in differences:
        e = d.estimate
        if e.exists:
            n = f"{e.fewest} pairs" if e.paired else " and ".join(map(str, e.n))
            values = d.pairs.values if d.pairs else {}
            point = Point(d.x, e.mean, e.interval.low, e.interval.high, values, n)
            points.setdefault((d.line, d.base), []).append(point)
    return DifferencesInfo(differences[0].panel.x, points) if points else None


def figure(info: DifferencesInfo, styles: dict[Line, palette.Style]) -> go.Figure:
    """Mean differences with t intervals, each pair a dot; lines stand side by side at a batch size."""
    traces: list[go.Scatter] = []
    many = len(info.points)
    places = places_of(info.axis, (p.x for points in info.points.values() for p in points))
    for rank, ((line, base), points) in enumerate(info.points.items()):
        style = styles[line]
        shift = theme.aside(rank, many, 0.22)
        name = f"{theme.plain(line.name)} − {theme.plain(base.name)}"
        dots = [(p.x, seed, value) for p in points for seed, value in p.values.items()]
        traces.append(
            go.Scatter(
                x=[places.beside(x, shift + _DOTS) for x, _, _ in dots],
                y=[value for _, _, value in dots],
                customdata=[[theme.plain(info.axis.text(x)), seed] for x, seed, _ in dots],
                mode="markers",
                marker={"size": 5, "color": style.tint(0.5)},
                showlegend=False,
                hovertemplate=f"{name}, {theme.plain(info.axis.word)} %{{customdata[0]}}<br>"
                "seed %{customdata[1]}: %{y:+.2f} points<extra></extra>",
            )
        )
        traces.append(_means(name, points, style, places, shift))
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "layer": "below",
            "line": {"color": theme.FAINT, "width": 1.5}}  # fmt: skip
    title = f"Points of error, minus {theme.plain(info.base.name)}’s" if info.base else "Points of error"
    return go.Figure(
        data=traces,
        layout=theme.layout(xaxis=places.layout(), yaxis={"title": {"text": title}}, shapes=[zero]),
    )


def _means(
    name: str, points: Sequence[Point], style: palette.Style, places: Places, shift: float
) -> go.Scatter:
    known = [math.isfinite(p.low) for p in points]
    return go.Scatter(
        x=[places.beside(p.x, shift) for p in points],
        y=[p.mean for p in points],
        error_y={
            "type": "data",
            "array": [p.high - p.mean if k else 0 for p, k in zip(points, known, strict=True)],
            "arrayminus": [p.mean - p.low if k else 0 for p, k in zip(points, known, strict=True)],
            "color": style.colour,
            "thickness": 2,
            "width": 5,
        },
        mode="markers",
        name=name,
        marker={"size": 9, "symbol": style.symbol, "color": style.colour},
        text=[
            f"{theme.plain(places.axis.at(p.x))}: {p.mean:+.2f} points"
            + (f"<br>{CI} {p.low:+.2f} to {p.high:+.2f}" if k else "")
            + f"<br>n = {p.n}"
            for p, k in zip(points, known, strict=True)
        ],
        hovertemplate=f"<b>{name}</b>, %{{text}}<extra></extra>",
    )
