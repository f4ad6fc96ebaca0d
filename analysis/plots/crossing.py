"""Where two lines cross: the estimate as a dotted line, its interval as a bar in a strip above all data, so
that no bar of the figure crosses its words."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from analysis.plots import theme
from analysis.plots.theme import Json
from analysis.stats.crossover import Crossover
from analysis.stats.line import Line

#: Of the figure's height: the strip, and in it the bar and the words.
STRIP = 0.15
_BAR, _WORDS = 0.9, 0.915


class Crossing(NamedTuple):
    """`line` crosses `base` at `found`."""

    line: Line
    base: Line
    found: Crossover


def drawn(crossings: Sequence[Crossing]) -> tuple[list[Json], list[Json]]:
    """Shapes and notes over an axis of batch sizes: of the first crossing alone, for more would hide the
    lines that cross. None where it has no place on the axis."""
    if not crossings:
        return [], []
    line, base, found = crossings[0]
    if not (0 < found.estimate < math.inf and found.resolved):
        return [], []
    low, high = max(found.interval.low, found.sizes[0]), min(found.interval.high, found.sizes[-1])
    shapes = [
        _segment(found.estimate, found.estimate, 0, _BAR, {"color": theme.FAINT, "width": 1, "dash": "dot"}),
        _segment(low, high, _BAR, _BAR, {"color": theme.FAINT, "width": 6}),
    ]
    note = {
        "text": theme.plain(f"{line.name} × {base.name} at {found.estimate:.1f} ({_ends(found)})"),
        "x": math.log10(found.estimate),
        "yref": "paper",
        "y": _WORDS,
        "xanchor": _anchor(found),
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": theme.MUTED},
    }
    return shapes, [note]


def _anchor(found: Crossover) -> str:
    """Of the words, so that they stay within the figure; large batches are at the left."""
    small, large = math.log(found.sizes[0]), math.log(found.sizes[-1])
    share = (large - math.log(found.estimate)) / (large - small)
    return "left" if share < 1 / 3 else "center" if share < 2 / 3 else "right"


def _segment(x0: float, x1: float, y0: float, y1: float, line: Json) -> Json:
    ends = {"x0": x0, "x1": x1, "y0": y0, "y1": y1, "yref": "paper"}
    return {"type": "line", **ends, "layer": "below", "line": line}


def _ends(found: Crossover) -> str:
    low, high = found.interval.low, found.interval.high
    below = f"below {found.sizes[0]}" if low == 0 else f"{low:.1f}"
    return f"{below} to {f'above {found.sizes[-1]}' if math.isinf(high) else f'{high:.1f}'}"
