"""The differences as a forest plot: zero is the question, intervals are the answer, the numbers stand beside
them.

A row for each comparison, thick the interval that each has by itself, thin the one that all have together; a
full marker where the decision rule allows a claim, a hollow one where it does not.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import palette, theme
from analysis.plots.theme import Json
from analysis.stats.axes import XAxis
from analysis.stats.differences import Difference
from analysis.stats.intervals import CI
from analysis.stats.line import Line
from model.axis import Value

#: Pixels of a row, and of one on a narrow screen, where its numbers stand above it.
_ROW, _NARROW_ROW = 30, 46
_ABOVE, _BELOW = 34, 64
#: Where the columns of numbers begin, in pixels to the right of the bars; and of a letter of the last.
_COLUMNS, _LETTER = (14, 186, 244), 6.4


class Words(NamedTuple):
    """What stands beside a row: the difference with its interval, p by Holm's correction, the verdict."""

    difference: str
    p: str
    verdict: str


class Point(NamedTuple):
    """One difference, in points of error. `low`, `high`, and `outer` of the simultaneous interval: NaN where
    the seeds are too few. `values`: seed -> difference, empty where runs are independent. `n`: the seeds, in
    words. `decided`: claimed, or shown to be less than the margin."""

    x: Value
    mean: float
    low: float
    high: float
    outer: tuple[float, float]
    values: dict[int, float]
    n: str
    decided: bool
    words: Words


class DifferencesInfo(NamedTuple):
    """The points of each line and what it is compared with."""

    axis: XAxis
    points: dict[tuple[Line, Line], list[Point]]

    @property
    def base(self) -> Line | None:
        """What all are compared with; None where that is not one."""
        bases = {base for _, base in self.points}
        return bases.pop() if len(bases) == 1 else None

    @property
    def rows(self) -> int:
        """A row for each point, and where there are several pairs of lines, one that names each."""
        return sum(map(len, self.points.values())) + len(self.points) * (len(self.points) > 1)

    @property
    def height(self) -> int:
        """Of the figure, in pixels."""
        return _ABOVE + _BELOW + _ROW * self.rows


def info(differences: Sequence[Difference], words: Callable[[Difference], Words]) -> DifferencesInfo | None:
    """The figure's data; None where there is nothing to compare."""
    points: dict[tuple[Line, Line], list[Point]] = {}
    for d in differences:
        e = d.estimate
        if e.exists:
            n = f"{e.fewest} pairs" if e.paired else " and ".join(map(str, e.n))
            values = d.pairs.values if d.pairs else {}
            outer = (d.simultaneous.low, d.simultaneous.high)
            ends = (e.mean, e.interval.low, e.interval.high)
            point = Point(d.x, *ends, outer, values, n, d.decided, words(d))
            points.setdefault((d.line, d.base), []).append(point)
    return DifferencesInfo(differences[0].panel.x, points) if points else None


def figure(info: DifferencesInfo, styles: dict[Line, palette.Style]) -> go.Figure:
    """The figure for a paper, as wide as its numbers need."""
    return go.Figure(drawing(info, styles))


def drawing(info: DifferencesInfo, styles: dict[Line, palette.Style]) -> Json:
    """The figure as plain data."""
    traces: list[Json] = []
    beside: list[Json] = [] if info.rows == 0 else [*_headings()]
    ticks: dict[float, str] = {}
    row = 0
    for (line, base), points in info.points.items():
        name = f"{theme.plain(line.name)} − {theme.plain(base.name)}"
        if len(info.points) > 1:
            beside.append(_text(f"<b>{name}</b>", row, 0, bold_row=True))
            row += 1
        rows = range(row, row + len(points))
        ticks |= {r: theme.plain(info.axis.text(p.x)) for r, p in zip(rows, points, strict=True)}
        traces += _pair(name, points, rows, styles[line], info.axis)
        beside += [text for r, p in zip(rows, points, strict=True) for text in _beside(p, r)]
        row += len(points)
    return {"data": traces, "layout": _layout(info, ticks, beside, _span(info))}


def narrow(info: DifferencesInfo, styles: dict[Line, palette.Style]) -> Json:
    """The layout on a narrow screen: numbers above their rows instead of beside them."""
    layout: Json = drawing(info, styles)["layout"]
    above, row = [], 0
    for (line, base), points in info.points.items():
        if len(info.points) > 1:
            name = f"<b>{theme.plain(line.name)} − {theme.plain(base.name)}</b>"
            above.append(_text(name, row, 0, bold_row=True))
            row += 1
        for point in points:
            words = f"{point.words.difference}, {_verdict(point)}"
            above.append({**_text(words, row, 0), "x": 0, "yshift": 14})
            row += 1
    bottom = {"t": 8, "r": 8, "l": 44, "b": _BELOW}
    return {
        **layout,
        "annotations": above,
        "margin": bottom,
        "height": 8 + _BELOW + _NARROW_ROW * info.rows,
    }


def _span(info: DifferencesInfo) -> list[float]:
    """From end to end of all that is drawn, zero among it."""
    ends = [0.0]
    for points in info.points.values():
        for p in points:
            known = (p.mean, p.low, p.high, *p.outer, *p.values.values())
            ends += [end for end in known if math.isfinite(end)]
    pad = 0.04 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - pad, max(ends) + pad]


def _layout(info: DifferencesInfo, ticks: dict[float, str], beside: list[Json], span: list[float]) -> Json:
    base = f"below 0: lower error than {theme.plain(info.base.name)}" if info.base else "line minus line"
    zero = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": 0, "x1": 0, "layer": "below",
            "line": {"color": theme.FAINT, "width": 1.5}}  # fmt: skip
    return theme.layout(
        xaxis={"range": span, "title": {"text": f"Points of error, {base}"}},
        yaxis={
            "range": [info.rows - 0.4, -0.6],
            "tickvals": list(ticks),
            "ticktext": list(ticks.values()),
            "title": {"text": theme.plain(info.axis.label)},
            "showgrid": False,
            "ticks": "",
        },
        margin={"l": 56, "r": _beside_width(info), "t": _ABOVE, "b": _BELOW},
        height=info.height,
        showlegend=False,
        annotations=beside,
        shapes=[zero],
    )


def _beside_width(info: DifferencesInfo) -> int:
    """Pixels that the columns of numbers take: the longest verdict is read to its end."""
    longest = max((len(p.words.verdict) for points in info.points.values() for p in points), default=0)
    return math.ceil(_COLUMNS[-1] + max(100, _LETTER * longest + 8))


def _headings() -> list[Json]:
    names = (f"Difference ({CI})", "p, Holm", "Verdict")
    return [
        {**_text(name, 0, shift), "yref": "paper", "y": 1, "yanchor": "bottom", "yshift": 6}
        for name, shift in zip(names, _COLUMNS, strict=True)
    ]


def _text(text: str, row: float, shift: int, *, bold_row: bool = False) -> Json:
    """Right of the bars, or at their left where it heads rows."""
    return {
        "text": text,
        "xref": "paper",
        "x": 0 if bold_row else 1,
        "xanchor": "left",
        "xshift": shift,
        "y": row,
        "showarrow": False,
        "font": {"size": 12},
    }


def _beside(point: Point, row: float) -> list[Json]:
    texts = (point.words.difference, point.words.p, _verdict(point))
    return [_text(text, row, shift) for text, shift in zip(texts, _COLUMNS, strict=True)]


def _verdict(point: Point) -> str:
    words = theme.plain(point.words.verdict)
    return f"<b>{words}</b>" if point.decided else words


def _pair(
    name: str, points: Sequence[Point], rows: Sequence[int], style: palette.Style, axis: XAxis
) -> list[Json]:
    dots = [
        (row, p, seed, value) for row, p in zip(rows, points, strict=True) for seed, value in p.values.items()
    ]
    return [
        _bars([p.outer for p in points], rows, style.tint(0.6), 1.5),
        _bars([(p.low, p.high) for p in points], rows, style.colour, 4),
        theme.scatter(
            x=[value for *_, value in dots],
            y=[row + 0.3 for row, *_ in dots],
            customdata=[[theme.plain(axis.text(p.x)), seed] for _, p, seed, _ in dots],
            mode="markers",
            marker={"size": 4, "color": style.tint(0.6)},
            hovertemplate=f"{name}, {theme.plain(axis.word)} %{{customdata[0]}}<br>"
            "seed %{customdata[1]}: %{x:+.2f} points<extra></extra>",
        ),
        theme.scatter(
            x=[p.mean for p in points],
            y=list(rows),
            mode="markers",
            name=name,
            marker={
                "size": 10,
                "symbol": style.symbol,
                "color": [style.colour if p.decided else "#ffffff" for p in points],
                "line": {"color": style.colour, "width": 2},
            },
            text=[_hover(p, axis) for p in points],
            hovertemplate=f"<b>{name}</b>, %{{text}}<extra></extra>",
        ),
    ]


def _bars(ends: Sequence[tuple[float, float]], rows: Sequence[int], colour: str, width: float) -> Json:
    known = [(low, high, row) for (low, high), row in zip(ends, rows, strict=True) if math.isfinite(low)]
    return theme.scatter(
        x=[end for low, high, _ in known for end in (low, high, None)],
        y=[end for *_, row in known for end in (row, row, None)],
        mode="lines",
        line={"color": colour, "width": width},
        hoverinfo="skip",
    )


def _hover(p: Point, axis: XAxis) -> str:
    text = f"{theme.plain(axis.at(p.x))}: {p.mean:+.2f} points"
    if math.isfinite(p.low):
        text += f"<br>{CI} {p.low:+.2f} to {p.high:+.2f}"
        text += f"<br>simultaneous {p.outer[0]:+.2f} to {p.outer[1]:+.2f}"
    return f"{text}<br>n = {p.n}"
