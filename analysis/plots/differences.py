"""The differences as a figure: zero is the question, intervals are the answer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import theme
from analysis.stats.cells import Line
from analysis.stats.differences import Difference
from analysis.stats.intervals import CI


class Point(NamedTuple):
    """One difference, in points of error. `low`, `high`: NaN where the seeds are too few. `values`: seed ->
    difference, empty where runs are independent. `n`: the seeds, in words."""

    batch_size: int
    mean: float
    low: float
    high: float
    values: dict[int, float]
    n: str


class DifferencesInfo(NamedTuple):
    """The points of each line, all against `base`."""

    base: Line
    points: dict[Line, list[Point]]


def info(differences: Sequence[Difference]) -> DifferencesInfo | None:
    """The figure's data; None where there is nothing to compare."""
    points: dict[Line, list[Point]] = {}
    for d in differences:
        e = d.estimate
        if e.exists:
            n = f"{e.fewest} pairs" if e.paired else " and ".join(map(str, e.n))
            values = d.pairs.values if d.pairs else {}
            point = Point(d.batch_size, e.mean, e.interval.low, e.interval.high, values, n)
            points.setdefault(d.line, []).append(point)
    return DifferencesInfo(differences[0].base, points) if points else None


def figure(info: DifferencesInfo, styles: dict[Line, theme.Style]) -> go.Figure:
    """Mean differences with t intervals, each pair a dot; lines stand side by side at a batch size."""
    traces: list[go.Scatter] = []
    many = len(info.points)
    for rank, (line, points) in enumerate(info.points.items()):
        style = styles[line]
        shift = 2 ** theme.aside(rank, many, 0.22)
        name = f"{theme.plain(line.name)} − {theme.plain(info.base.name)}"
        dots = [(p.batch_size, seed, value) for p in points for seed, value in p.values.items()]
        traces.append(
            go.Scatter(
                x=[b * shift * 0.96 for b, _, _ in dots],
                y=[value for _, _, value in dots],
                customdata=[[b, seed] for b, seed, _ in dots],
                mode="markers",
                marker={"size": 5, "color": style.tint(0.5)},
                showlegend=False,
                hovertemplate=f"{name}, batch size %{{customdata[0]}}<br>"
                "seed %{customdata[1]}: %{y:+.2f} points<extra></extra>",
            )
        )
        traces.append(_means(name, points, style, shift))
    sizes = [p.batch_size for points in info.points.values() for p in points]
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "layer": "below",
            "line": {"color": theme.FAINT, "width": 1.5}}  # fmt: skip
    title = f"Points of error, minus {theme.plain(info.base.name)}’s"
    return go.Figure(
        data=traces,
        layout=theme.layout(xaxis=theme.batch_axis(sizes), yaxis={"title": {"text": title}}, shapes=[zero]),
    )


def _means(name: str, points: Sequence[Point], style: theme.Style, shift: float) -> go.Scatter:
    known = [math.isfinite(p.low) for p in points]
    return go.Scatter(
        x=[p.batch_size * shift for p in points],
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
            f"batch size {p.batch_size}: {p.mean:+.2f} points"
            + (f"<br>{CI} {p.low:+.2f} to {p.high:+.2f}" if k else "")
            + f"<br>n = {p.n}"
            for p, k in zip(points, known, strict=True)
        ],
        hovertemplate=f"<b>{name}</b>, %{{text}}<extra></extra>",
    )
