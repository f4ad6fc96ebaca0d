"""Two sweeps side by side: the same cells, unpaired.

The same are those of one norm, G and batch size. A source that does not say its G (a study's
CSV) is matched by norm alone, where the other sweep has only one G of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell, Line, Panel
from analysis.stats.choices import MEASURES
from analysis.stats.estimate import Estimate, contrast


class SharedCell(NamedTuple):
    """One cell in both sweeps: mean errors in percent, and Welch's estimate of second − first, in points."""

    line: Line
    batch_size: int
    first: float
    second: float
    difference: Estimate


def pairs(
    panels: Mapping[Panel, Sequence[Cell]], measure: str = MEASURES[0]
) -> list[tuple[Panel, Panel, list[SharedCell]]]:
    """Every two panels of different sources, judged alike, that have a cell in common.

    Where two sources have more than one such panel each, only those of one data set and model are set
    against each other.
    """
    matched = []
    for (a, ours), (b, theirs) in itertools.combinations(panels.items(), 2):
        if a.source == b.source or bool(a.holdout) != bool(b.holdout):
            continue
        alone = all(
            sum(p.source == s.source and bool(p.holdout) == bool(s.holdout) for p in panels) == 1
            for s in (a, b)
        )
        if alone or (a.dataset, a.model) == (b.dataset, b.model):
            shared = _shared(ours, theirs, measure)
            if shared:
                matched.append((a, b, shared))
    return matched


def _shared(ours: Sequence[Cell], theirs: Sequence[Cell], measure: str) -> list[SharedCell]:
    shared = []
    for mine in ours:
        for other in theirs:
            if mine.batch_size != other.batch_size or not _same(mine, other, ours, theirs):
                continue
            errors = mine.errors(measure), other.errors(measure)
            if all(errors):
                line = mine.line if mine.line.groups is not None else other.line
                difference = contrast(errors, (-1, 1), paired=False)
                means = mine.summary(measure).mean, other.summary(measure).mean
                shared.append(SharedCell(line, mine.batch_size, *means, difference))
    return shared


def _same(a: Cell, b: Cell, ours: Sequence[Cell], theirs: Sequence[Cell]) -> bool:
    if a.line == b.line:
        return True
    if a.line.norm != b.line.norm or (a.line.groups is not None and b.line.groups is not None):
        return False
    return all(len({c.line for c in side if c.line.norm == a.line.norm}) == 1 for side in (ours, theirs))
