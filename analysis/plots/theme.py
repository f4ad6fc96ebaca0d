"""How every figure looks: one palette, one frame.

A norm has the same colour wherever it appears. The hues are Okabe & Ito's (2008), which the common kinds
of colour blindness leave apart; every line also has its own marker, so print in grey reads too.
The page swaps these colours for lighter ones in the dark (assets/report.js), by their hex codes.
"""

from dataclasses import dataclass, replace
from html import escape
from math import log10
from typing import Any

from analysis.stats.cells import Line

INK = "#1f2430"
MUTED = "#667085"
GRID = "#e6e8ee"
FAINT = "#98a0ae"

#: Norms that are none of ours, in their order.
_SPARE = ("#5f6b7a", "#b8860b", "#2b93b8", "#7a5195")
COLOURS = {"bn": "#0072b2", "gn": "#d55e00", "ln": "#009e73", "in": "#b0568f"}
#: Further Gs of one norm keep its hue and change in lightness.
_SHADES = {"gn": ("#d55e00", "#e8965a", "#8f3f00", "#f3c19d", "#5c2900")}
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = {"bn": ("circle",), "gn": ("square", "diamond", "triangle-up", "triangle-down", "pentagon")}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


#: A part of a figure as plotly.js takes it; plotly's schema says what is in it.
Json = dict[str, Any]


@dataclass(frozen=True)
class Style:
    """How a line looks. `colour`: #rrggbb; `dash`, `symbol`: plotly's names."""

    colour: str
    dash: str
    symbol: str

    def tint(self, alpha: float) -> str:
        """The colour at an opacity from 0 to 1, for bands."""
        red, green, blue = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red},{green},{blue},{alpha})"


def styles(lines: list[Line]) -> dict[Line, Style]:
    """A style for each line; the first G of a norm (the largest) has the norm's own colour."""
    by_line = {}
    ranks: dict[str, int] = {}
    strangers: list[str] = []
    for line in sorted(dict.fromkeys(lines), key=lambda line: line.order):
        rank = ranks.get(line.norm, 0)
        ranks[line.norm] = rank + 1
        by_line[line] = style(line.norm, rank)
        if line.norm not in COLOURS:
            strangers += [] if line.norm in strangers else [line.norm]
            spare = _SPARE[strangers.index(line.norm) % len(_SPARE)]
            by_line[line] = replace(by_line[line], colour=spare)
    return by_line


def style(norm: str, rank: int = 0) -> Style:
    """The style of a norm's line number `rank`; a norm of no colour of its own is grey."""
    shades = _SHADES.get(norm, (COLOURS.get(norm, _SPARE[0]),))
    symbols = _SYMBOLS.get(norm, ("diamond",))
    return Style(shades[rank % len(shades)], _DASHES[rank % len(_DASHES)], symbols[rank % len(symbols)])


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


def batch_axis(sizes: list[int]) -> Json:
    """The axis of batch sizes as in Wu & He's Figure 1: logarithmic, large on the left."""
    ticks = sorted(set(sizes), reverse=True) or [1]
    pad = 0.09 if len(ticks) > 1 else 0.2
    return {
        "type": "log",
        "range": [log10(ticks[0]) + pad, log10(ticks[-1]) - pad],
        "tickvals": ticks,
        "ticktext": [str(size) for size in ticks],
        "title": {"text": "Batch size (images)"},
    }


def aside(rank: int, count: int, step: float) -> float:
    """How far, in log₂ of the batch size, the marks of line `rank` of `count` stand beside the batch size, so
    that lines do not hide each other; the first line is leftmost, and all stay within a third of a step."""
    if count == 1:
        return 0.08 if step < 0.2 else 0.0  # a lone line's seeds beside its mean
    step = min(step, 0.6 / (count - 1))
    return step * ((count - 1) / 2 - rank)


def plain(text: object) -> str:
    """Text for a figure: plotly reads <b>, <a> and entities in labels, and names come from files."""
    return escape(str(text), quote=False)
