"""What one line does over the axis that it runs over, batch sizes in Figure 1, and which G is best: estimates
with intervals.

Wu & He (2018) say three things with one figure: below some batch size group norm is better, batch norm's
error rises as batches shrink, and group norm's stays constant. Each is a number, the first in crossover.py,
with how sure the seeds make us of it; "constant" is tested as equivalence within a margin, because a
difference that is not significant is no proof of sameness.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from analysis.stats.axes import XAxis
from analysis.stats.cells import Cell
from analysis.stats.choices import Choices, Margin
from analysis.stats.equivalence import Equivalence, equivalence
from analysis.stats.estimate import Errors, Estimate, contrast
from analysis.stats.line import Line
from model.axis import Value


class Rise(NamedTuple):
    """Error at the end of the axis that the line runs over minus error at its beginning, in points: at the
    smallest batch size minus at the largest."""

    line: Line
    x: XAxis
    first: Value
    last: Value
    estimate: Estimate

    @property
    def at_least(self) -> float:
        """How far the error moves at the least, in points, by the interval; 0 where that holds zero."""
        interval = self.estimate.interval
        return max(0.0, interval.low, -interval.high) if interval.known else 0.0


class Constancy(NamedTuple):
    """Whether no two x, as batch sizes, differ by the margin of `test`, in points of error, or more.

    `worst`: the pair of them, the later on the axis first, that is hardest to call equal, of which `test` has
    the interval (smaller minus larger batch); its p is the largest of all pairs, for the claim needs every
    one to pass (intersection–union test, Berger 1982). `reference`: the mean error at the beginning of the
    axis, the largest batch size, of which a relative margin is a share. `rise`: from there to its end."""

    line: Line
    worst: tuple[Value, Value]
    test: Equivalence
    margin: Margin
    reference: float
    rise: Rise


def rises(cells: Sequence[Cell], choices: Choices) -> list[Rise]:
    """For each line of one panel with two batch sizes or more; none where the axis has no order."""
    return [_rise(cells[0].panel.x, line, by_x, choices) for line, by_x in _lines(cells, choices.measure)]


def constancy(cells: Sequence[Cell], choices: Choices) -> list[Constancy]:
    """For each line of one panel with two batch sizes or more; none where the axis has no order."""
    return [
        _constancy(cells[0].panel.x, line, by_x, choices) for line, by_x in _lines(cells, choices.measure)
    ]


def _rise(x: XAxis, line: Line, by_x: dict[Value, Errors], choices: Choices) -> Rise:
    first, *_, last = by_x
    return Rise(line, x, first, last, contrast([by_x[last], by_x[first]], (1, -1), paired=choices.paired))


def _constancy(x: XAxis, line: Line, by_x: dict[Value, Errors], choices: Choices) -> Constancy:
    rise = _rise(x, line, by_x, choices)
    reference = math.fsum(by_x[rise.first].values()) / len(by_x[rise.first])
    margin = choices.margin.points(reference)
    tests = {
        (a, b): equivalence(contrast([by_x[a], by_x[b]], (1, -1), paired=choices.paired), margin)
        for a, b in itertools.combinations(reversed(by_x), 2)
    }
    worst = max(tests, key=lambda pair: _badness(tests[pair]))
    p = max((test.p for test in tests.values()), key=lambda p: math.inf if math.isnan(p) else p)
    return Constancy(line, worst, tests[worst]._replace(p=p), choices.margin, reference, rise)


def _badness(test: Equivalence) -> float:
    """How far the interval reaches; a pair without seeds is the worst of all."""
    return math.inf if math.isnan(test.p) else test.reach


def _lines(cells: Sequence[Cell], measure: str) -> list[tuple[Line, dict[Value, Errors]]]:
    """The errors of each line that has several x, by x from the beginning of the axis to its end."""
    by_line: dict[Line, dict[Value, Errors]] = {}
    for cell in sorted(cells, key=lambda cell: cell.panel.x.key(cell.x)):
        if cell.panel.x.numeric and (errors := cell.errors(measure)):
            by_line.setdefault(cell.line, {})[cell.x] = errors
    lines = dict.fromkeys(cell.line for cell in cells)
    return [(line, by_line[line]) for line in lines if len(by_line.get(line, {})) > 1]
