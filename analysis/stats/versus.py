"""Two sweeps side by side: the same cells, unpaired.

The same are those of one line and x, of one norm, G and batch size in Figure 1. A source that does not say
its G (a study's CSV) is matched by norm alone, where the other sweep has only one G of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell
from analysis.stats.choices import MEASURES
from analysis.stats.estimate import Estimate, contrast
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from model.axis import Value
from model.spec import AXES


class SharedCell(NamedTuple):
    """One cell in both sweeps: mean errors in percent, and Welch's estimate of second − first, in points."""

    line: Line
    x: Value
    first: float
    second: float
    difference: Estimate


def pairs(
    panels: Mapping[Panel, Sequence[Cell]], measure: str = MEASURES[0]
) -> list[tuple[Panel, Panel, list[SharedCell]]]:
    """Every two panels of different sources, judged alike, that have a cell in common.

    Where two sources have more than one such panel each, only those of one data set, model and values of what
    the study varies are set against each other.
    """
    matched = []
    for (a, ours), (b, theirs) in itertools.combinations(panels.items(), 2):
        if a.source == b.source or bool(a.holdout) != bool(b.holdout):
            continue
        alone = all(
            sum(p.source == s.source and bool(p.holdout) == bool(s.holdout) for p in panels) == 1
            for s in (a, b)
        )
        if alone or _alike(a, b):
            shared = _shared(ours, theirs, measure)
            if shared:
                matched.append((a, b, shared))
    return matched


def _alike(a: Panel, b: Panel) -> bool:
    """Whether they are of one data set and model, and have the same values of the axes of the foreground."""
    names = [n for n in a.roles.panel if n in {"dataset", "model"} or n not in AXES or not AXES[n].background]
    return all(a[name] == b[name] for name in names)


def _shared(ours: Sequence[Cell], theirs: Sequence[Cell], measure: str) -> list[SharedCell]:
    shared = []
    for mine in ours:
        for other in theirs:
            if mine.x != other.x or mine.along != other.along or not _same(mine, other, ours, theirs):
                continue
            errors = mine.errors(measure), other.errors(measure)
            if all(errors):
                line = mine.line if mine.line.groups is not None else other.line
                difference = contrast(errors, (-1, 1), paired=False)
                means = mine.summary(measure).mean, other.summary(measure).mean
                shared.append(SharedCell(line, mine.x, *means, difference))
    return shared


def _same(a: Cell, b: Cell, ours: Sequence[Cell], theirs: Sequence[Cell]) -> bool:
    if a.line == b.line:
        return True
    if (a.line.norm, a.line.more) != (b.line.norm, b.line.more) or (
        a.line.groups is not None and b.line.groups is not None
    ):
        return False
    return all(_lines_like(a.line, side) == 1 for side in (ours, theirs))


def _lines_like(line: Line, cells: Sequence[Cell]) -> int:
    """How many lines of `cells` differ from `line` in G alone, itself among them."""
    return len({c.line for c in cells if (c.line.norm, c.line.more) == (line.norm, line.more)})
