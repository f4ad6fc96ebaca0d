"""Names at the ends of lines, which need no legend; and what lies off a figure's scale, told above it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from analysis.plots import palette, theme
from analysis.plots.theme import Json

#: More lines, or a longer name, have a legend.
_MOST, _LONGEST = 6, 16
#: Pixels: of a letter, between two names, and of the room that a figure's lines have upwards.
_LETTER, _APART, _ROOM = 7.5, 16, 340


class End(NamedTuple):
    """How high a line ends."""

    name: str
    y: float
    colour: str


def fit(names: Sequence[str]) -> bool:
    """Whether names can stand at their lines."""
    return 0 < len(names) <= _MOST and max(map(len, names)) <= _LONGEST


def at_the_lines(ends: Sequence[End], low: float, high: float) -> tuple[list[Json], int]:
    """A note for each end, right of the axes, where no mark is; and the margin in pixels that they need
    there. `low`, `high`: of the vertical axis."""
    ordered = sorted(ends, key=lambda end: -end.y)
    wanted = [-(end.y - low) / (high - low) * _ROOM for end in ordered]
    notes = [
        {
            "text": theme.plain(end.name),
            "xref": "paper",
            "x": 1,
            "y": end.y,
            "xanchor": "left",
            "xshift": 6,
            "yshift": round(want - place),
            "showarrow": False,
            "font": {"color": end.colour if palette.reads_on_white(end.colour) else theme.INK},
        }
        for end, want, place in zip(ordered, wanted, _spread(wanted), strict=True)
    ]
    return notes, math.ceil(14 + _LETTER * max(len(end.name) for end in ends))


def _spread(wanted: Sequence[float]) -> list[float]:
    """Ascending places at least _APART from each other, as near to those that are wanted as groups that touch
    allow: each group about its own middle."""
    groups: list[list[float]] = []
    for place in wanted:
        groups.append([place])
        while len(groups) > 1 and _end(groups[-2]) + _APART > _start(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    return [_start(group) + i * _APART for group in groups for i in range(len(group))]


def _start(group: Sequence[float]) -> float:
    return sum(group) / len(group) - _APART * (len(group) - 1) / 2


def _end(group: Sequence[float]) -> float:
    return _start(group) + _APART * (len(group) - 1)


def above(notes: Sequence[str], layout: Json) -> Json:
    """`layout` with a line above the figure for each of `notes`; its legend stands above them."""
    told: list[Json] = [
        {
            "text": theme.plain(note),
            "xref": "paper",
            "yref": "paper",
            "x": 0,
            "y": 1,
            "xanchor": "left",
            "yanchor": "bottom",
            "yshift": 2 + 15 * i,
            "showarrow": False,
            "font": {"size": 11, "color": theme.MUTED},
        }
        for i, note in enumerate(notes)
    ]
    margin = {**layout["margin"], "t": layout["margin"]["t"] + 15 * len(notes)}
    legend = {**layout["legend"], "y": layout["legend"]["y"] + 0.045 * len(notes)}
    return {**layout, "annotations": [*layout["annotations"], *told], "margin": margin, "legend": legend}
