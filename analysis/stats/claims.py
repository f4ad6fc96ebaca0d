"""What one line does over the batch sizes, and which G is best: estimates with intervals.

Wu & He (2018) say three things with one figure: below some batch size group norm is better, batch norm's
error rises as batches shrink, and group norm's stays constant. Each is a number, the first in crossover.py,
with how sure the seeds make us of it; "constant" is tested as equivalence within a margin, because a
difference that is not significant is no proof of sameness.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell, Line
from analysis.stats.paired import Equivalence, equivalence
from analysis.stats.summary import Summary, summary

#: Points of error within which a line counts as constant, unless the reader chooses another.
MARGIN = 1.0


class Rise(NamedTuple):
    """Error at the smallest batch size minus error at the largest, paired by seed, in points."""

    line: Line
    smallest: int
    largest: int
    summary: Summary


class Constancy(NamedTuple):
    """Whether no two batch sizes differ by the margin of `test`, in points of error, or more.

    `worst`: the pair of batch sizes that is hardest to call equal. The claim needs every pair's TOST to
    pass, so the largest p is the p of the whole (intersection–union test, Berger 1982).
    """

    line: Line
    smallest: int
    largest: int
    worst: tuple[int, int]
    test: Equivalence


def rises(cells: Sequence[Cell], measure: str = "last") -> list[Rise]:
    """For each line of one panel with two batch sizes or more."""
    all_rises = []
    for line, by_size in _lines(cells, measure).items():
        sizes = sorted(by_size)
        if len(sizes) > 1:
            values = _paired(by_size[sizes[0]], by_size[sizes[-1]])
            all_rises.append(Rise(line, sizes[0], sizes[-1], summary(values)))
    return all_rises


def constancy(cells: Sequence[Cell], margin: float = MARGIN, measure: str = "last") -> list[Constancy]:
    """For each line of one panel with two batch sizes or more."""
    hardest = []
    for line, by_size in _lines(cells, measure).items():
        tests = [
            Constancy(
                line, min(by_size), max(by_size), (a, b), equivalence(_paired(by_size[a], by_size[b]), margin)
            )
            for a, b in itertools.combinations(sorted(by_size), 2)
        ]
        if tests:
            hardest.append(max(tests, key=_badness))
    return hardest


def _badness(c: Constancy) -> tuple[float, float]:
    """Largest p first, and of those that round to the same the interval that reaches farthest; a pair
    without seeds has no p and is the worst of all."""
    reach = max(abs(c.test.interval.low), abs(c.test.interval.high))
    return (math.inf, 0.0) if math.isnan(c.test.p) else (round(c.test.p, 9), reach)


def _lines(cells: Sequence[Cell], measure: str) -> dict[Line, dict[int, Mapping[int, float]]]:
    by_line: dict[Line, dict[int, Mapping[int, float]]] = {}
    for cell in cells:
        if errors := cell.errors(measure):
            by_line.setdefault(cell.line, {})[cell.batch_size] = errors
    return by_line


def _paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    return [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
