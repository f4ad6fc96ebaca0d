"""What one line does over the batch sizes, and which G is best: estimates with intervals.

Wu & He (2018) say three things with one figure: below some batch size group norm is better, batch norm's
error rises as batches shrink, and group norm's stays constant. Each is a number, the first in crossover.py,
with how sure the seeds make us of it; "constant" is tested as equivalence within a margin, because a
difference that is not significant is no proof of sameness.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell, Line
from analysis.stats.choices import Choices, Margin
from analysis.stats.equivalence import Equivalence, equivalence
from analysis.stats.estimate import Errors, Estimate, contrast


class Rise(NamedTuple):
    """Error at the smallest batch size minus error at the largest, in points."""

    line: Line
    smallest: int
    largest: int
    estimate: Estimate

    @property
    def at_least(self) -> float:
        """How far the error moves at the least, in points, by the interval; 0 where that holds zero."""
        interval = self.estimate.interval
        return max(0.0, interval.low, -interval.high) if interval.known else 0.0


class Constancy(NamedTuple):
    """Whether no two batch sizes differ by the margin of `test`, in points of error, or more.

    `worst`: the pair of batch sizes, small first, that is hardest to call equal, of which `test` has the
    interval (smaller minus larger batch); its p is the largest of all pairs, for the claim needs every one to
    pass (intersection–union test, Berger 1982). `reference`: the mean error at the largest batch size, of
    which a relative margin is a share. `rise`: from the largest to the smallest."""

    line: Line
    worst: tuple[int, int]
    test: Equivalence
    margin: Margin
    reference: float
    rise: Rise


def rises(cells: Sequence[Cell], choices: Choices) -> list[Rise]:
    """For each line of one panel with two batch sizes or more."""
    return [
        _rise(line, by_size, choices)
        for line, by_size in _lines(cells, choices.measure).items()
        if len(by_size) > 1
    ]


def constancy(cells: Sequence[Cell], choices: Choices) -> list[Constancy]:
    """For each line of one panel with two batch sizes or more."""
    return [
        _constancy(line, by_size, choices)
        for line, by_size in _lines(cells, choices.measure).items()
        if len(by_size) > 1
    ]


def _rise(line: Line, by_size: dict[int, Errors], choices: Choices) -> Rise:
    small, large = min(by_size), max(by_size)
    return Rise(
        line, small, large, contrast([by_size[small], by_size[large]], (1, -1), paired=choices.paired)
    )


def _constancy(line: Line, by_size: dict[int, Errors], choices: Choices) -> Constancy:
    largest = by_size[max(by_size)]
    reference = math.fsum(largest.values()) / len(largest)
    margin = choices.margin.points(reference)
    tests = {
        (a, b): equivalence(contrast([by_size[a], by_size[b]], (1, -1), paired=choices.paired), margin)
        for a, b in itertools.combinations(sorted(by_size), 2)
    }
    worst = max(tests, key=lambda pair: _badness(tests[pair]))
    p = max((test.p for test in tests.values()), key=lambda p: math.inf if math.isnan(p) else p)
    rise = _rise(line, by_size, choices)
    return Constancy(line, worst, tests[worst]._replace(p=p), choices.margin, reference, rise)


def _badness(test: Equivalence) -> float:
    """How far the interval reaches; a pair without seeds is the worst of all."""
    return math.inf if math.isnan(test.p) else test.reach


def _lines(cells: Sequence[Cell], measure: str) -> dict[Line, dict[int, Errors]]:
    by_line: dict[Line, dict[int, Errors]] = {}
    for cell in cells:
        if errors := cell.errors(measure):
            by_line.setdefault(cell.line, {})[cell.batch_size] = errors
    return by_line
