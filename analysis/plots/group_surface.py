"""The error over G and width: over G and over channels per group, and as a map of both.

The map has G across and channels per group upwards, so each width is a diagonal, a constant G a column and a
constant number of channels per group a row. Its colour is the error beside the lowest of the same width:
wider networks err less whatever their G.
"""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import palette, theme
from analysis.plots.gsearch import GPoint, point
from analysis.stats.group_rules import Kind, value_of
from analysis.stats.group_surface import Surface
from analysis.stats.line import Line

_AXES: dict[Kind, str] = {"groups": "G", "channels": "Channels per group, C/G"}
#: Points beside the lowest at which the colour is full, at least and at most: one G that fails hides no
#: other.
_FULL = (0.5, 5.0)


class SurfaceInfo(NamedTuple):
    """`points`: width -> every G that has a result, ascending; `channels`: width -> C, empty where not
    known."""

    points: dict[int, list[GPoint]]
    channels: dict[int, int]

    @property
    def kinds(self) -> list[Kind]:
        """What the lines can run over."""
        return ["groups", "channels"] if self.channels else ["groups"]


def info(surface: Surface) -> SurfaceInfo:
    """Diverged trials are counted in a point and are in no mean."""
    points = {
        width: [point(cell) for cell in own.values() if cell.errors()] for width, own in surface.cells.items()
    }
    return SurfaceInfo(points, surface.channels)


def lines(info: SurfaceInfo, kind: Kind) -> go.Figure:
    """The mean error with its interval over G or over channels per group, a line for each width."""
    named = {width: Line("gn", None, (("width", width),)) for width in info.points}
    styles = palette.styles(list(named.values()))
    traces = [
        _line(width, points, kind, info.channels.get(width, 0), styles[named[width]])
        for width, points in info.points.items()
    ]
    values = {
        str(value_of(kind, info.channels.get(width, 0), p.groups))
        for width, points in info.points.items()
        for p in points
    }
    return go.Figure(
        data=traces,
        layout=theme.layout(
            xaxis={"type": "category", "categoryarray": _ordered(values), "title": {"text": _AXES[kind]}},
            yaxis={"title": {"text": "Validation error (%)"}},
        ),
    )


def _line(
    width: int, points: Sequence[GPoint], kind: Kind, channels: int, style: palette.Style
) -> go.Scatter:
    return go.Scatter(
        x=[str(value_of(kind, channels, p.groups)) for p in points],
        y=[p.mean for p in points],
        error_y=theme.error_bars(((p.low, p.mean, p.high) for p in points), style.colour),
        customdata=[p.groups for p in points],
        mode="lines+markers",
        name=f"width {width}",
        line={"color": style.colour, "dash": style.dash},
        marker={"size": 7, "symbol": style.symbol, "color": style.colour},
        hovertemplate=f"width {width}, G = %{{customdata}}: mean %{{y:.2f}}%<extra></extra>",
    )


class _Square(NamedTuple):
    """One G at one width on the map. `text`: the mean, starred where trials diverged, and in the first
    square of a diagonal its width; `above`: the lowest error of its width that may win, in points."""

    width: int
    across: str
    upwards: str
    mean: float
    text: str
    above: float


def heat_map(info: SurfaceInfo) -> go.Figure:
    """Every G at every width, coloured by what it has above the lowest error of its width, in points."""
    squares = [square for width in info.points for square in _squares(info, width)]
    across = _ordered({square.across for square in squares})
    upwards = _ordered({square.upwards for square in squares})
    by_place = {(square.upwards, square.across): square for square in squares}
    return go.Figure(
        data=[
            _map(
                [[by_place.get((up, over)) for over in across] for up in upwards],
                across,
                upwards,
                full_colour(info),
            )
        ],
        layout=theme.layout(
            xaxis=_map_axis("groups", across),
            yaxis=_map_axis("channels", upwards),
            showlegend=False,
        ),
    )


def _squares(info: SurfaceInfo, width: int) -> list[_Square]:
    points, channels = info.points[width], info.channels[width]
    means = [p.mean for p in points if not p.diverged] or [p.mean for p in points]
    return [
        _Square(
            width,
            str(p.groups),
            str(value_of("channels", channels, p.groups)),
            p.mean,
            f"{p.mean:.2f}{'*' if p.diverged else ''}{f'<br>width {width}' if p is points[0] else ''}",
            max(0.0, p.mean - min(means)),
        )
        for p in points
    ]


def full_colour(info: SurfaceInfo) -> float:
    """Points above the lowest at which a square has the full colour."""
    worst = max(square.above for width in info.points for square in _squares(info, width))
    return min(max(_FULL[0], worst), _FULL[1])


def _map(
    rows: Sequence[Sequence[_Square | None]], across: Sequence[str], upwards: Sequence[str], full: float
) -> go.Heatmap:
    return go.Heatmap(
        x=across,
        y=upwards,
        z=[[s and s.above for s in row] for row in rows],
        text=[["" if s is None else s.text for s in row] for row in rows],
        customdata=[[s and [s.width, s.mean] for s in row] for row in rows],
        texttemplate="%{text}",
        textfont={"color": palette.ON_HEAT, "size": 11},
        zmin=0,
        zmax=full,
        colorscale=[list(stop) for stop in palette.HEAT],
        xgap=2,
        ygap=2,
        hoverongaps=False,
        hovertemplate="width %{customdata[0]}, G = %{x}, %{y} per group: %{customdata[1]:.2f}%, "
        "%{z:.2f} above the lowest of its width<extra></extra>",
        showscale=False,
    )


def _map_axis(kind: Kind, values: Sequence[str]) -> theme.Json:
    return {
        "type": "category",
        "categoryarray": values,
        "title": {"text": _AXES[kind]},
        "showgrid": False,
    }


def _ordered(values: set[str]) -> list[str]:
    return sorted(values, key=int)
