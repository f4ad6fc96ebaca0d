"""The frame that all figures share; their lines are coloured by `palette`."""

from collections.abc import Iterable
from html import escape
from typing import Any

INK = "#1f2430"
MUTED = "#667085"
GRID = "#e6e8ee"
FAINT = "#98a0ae"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


#: A part of a figure as plotly.js takes it; plotly's schema says what is in it.
Json = dict[str, Any]


def scatter(**fields: Any) -> Json:
    """A trace as plain data."""
    return {"type": "scatter", **fields}


def layout(**changes: Any) -> Json:
    """The frame that all figures share; `changes` are set on top, axes merged."""
    axis: Json = {
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": FAINT,
        "tickcolor": FAINT,
        "ticks": "outside",
        "ticklen": 4,
        "showline": False,
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 13, "color": MUTED}},
    }
    base: Json = {
        "template": {},  # plotly's own template would restyle everything
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 16, "t": 12, "b": 48},
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": "toggle"},
        "showlegend": True,
        "hovermode": "closest",
        "dragmode": False,
    }
    for key, value in changes.items():
        base[key] = value
    for name in ("xaxis", "yaxis"):
        own = base.get(name, {})
        title = {**axis["title"], **own.get("title", {})}
        base[name] = {**axis, **own, "title": title}
    return base


def aside(rank: int, count: int, step: float) -> float:
    """How far, in steps of x (a factor of two in batch size), the marks of line `rank` of `count` stand
    beside it, so that lines do not hide each other; the first line is leftmost, and all stay within a
    third."""
    if count == 1:
        return 0.08 if step < 0.2 else 0.0  # a lone line's seeds beside its mean
    step = min(step, 0.6 / (count - 1))
    return step * ((count - 1) / 2 - rank)


def plain(text: object) -> str:
    """Text for a figure: plotly reads <b>, <a> and entities in labels, and names come from files."""
    return escape(str(text), quote=False)


def error_bars(
    ends: Iterable[tuple[float, float, float]], colour: str, *, thickness: int = 1, width: int = 3
) -> Json:
    """Plotly's bars of intervals, each a (low, mean, high)."""
    known = list(ends)
    return {
        "type": "data",
        "array": [high - mean for _, mean, high in known],
        "arrayminus": [mean - low for low, mean, _ in known],
        "color": colour,
        "thickness": thickness,
        "width": width,
    }
