"""The paired differences as a figure: zero is the question, intervals are the answer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import theme
from analysis.stats.cells import Line
from analysis.stats.differences import Difference
from analysis.stats.intervals import CI


class DifferencesInfo(NamedTuple):
    """line -> [(batch size, mean, low, high, {seed: difference})], in points of error."""

    base: Line
    points: dict[Line, list[tuple[int, float, float, float, dict[int, float]]]]


def info(differences: Sequence[Difference]) -> DifferencesInfo | None:
    """The figure's data; None where nothing is paired."""
    points: dict[Line, list[tuple[int, float, float, float, dict[int, float]]]] = {}
    for d in differences:
        if d.values:
            s = d.summary
            point = (d.batch_size, s.mean, s.interval.low, s.interval.high, d.values)
            points.setdefault(d.line, []).append(point)
    return DifferencesInfo(differences[0].base, points) if points else None


def figure(info: DifferencesInfo, styles: dict[Line, theme.Style]) -> go.Figure:
    """Mean differences with t intervals, each seed a dot; lines stand side by side at a batch size."""
    traces: list[go.Scatter] = []
    many = len(info.points)
    for rank, (line, points) in enumerate(info.points.items()):
        style = styles[line]
        shift = 2 ** theme.aside(rank, many, 0.22)
        name = f"{theme.plain(line.name)} − {theme.plain(info.base.name)}"
        dots = [(b, seed, value) for b, *_, values in points for seed, value in values.items()]
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
    sizes = [b for points in info.points.values() for b, *_ in points]
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "layer": "below",
            "line": {"color": theme.FAINT, "width": 1.5}}  # fmt: skip
    title = f"Points of error, minus {theme.plain(info.base.name)}’s"
    return go.Figure(
        data=traces,
        layout=theme.layout(xaxis=theme.batch_axis(sizes), yaxis={"title": {"text": title}}, shapes=[zero]),
    )


def _means(
    name: str,
    points: Sequence[tuple[int, float, float, float, dict[int, float]]],
    style: theme.Style,
    shift: float,
) -> go.Scatter:
    known = [math.isfinite(low) for _, _, low, _, _ in points]
    return go.Scatter(
        x=[b * shift for b, *_ in points],
        y=[mean for _, mean, *_ in points],
        error_y={
            "type": "data",
            "array": [p[3] - p[1] if k else 0 for p, k in zip(points, known, strict=True)],
            "arrayminus": [p[1] - p[2] if k else 0 for p, k in zip(points, known, strict=True)],
            "color": style.colour,
            "thickness": 2,
            "width": 5,
        },
        mode="markers",
        name=name,
        marker={"size": 9, "symbol": style.symbol, "color": style.colour},
        text=[
            f"batch size {b}: {mean:+.2f} points"
            + (f"<br>{CI} {low:+.2f} to {high:+.2f}" if k else "")
            + f"<br>n = {len(values)} pairs"
            for (b, mean, low, high, values), k in zip(points, known, strict=True)
        ],
        hovertemplate=f"<b>{name}</b>, %{{text}}<extra></extra>",
    )
