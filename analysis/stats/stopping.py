"""Which cells get more seeds, and how many, by a rule that was written down, on the results there are. Pure.

The same results give the same answer, so the rounds of a sweep are reckoned anew wherever it goes on. The
questions are the comparisons of the page, of two lines at one x; where no lines are compared, each cell's
mean. Any rule would do for the intervals, which hold whenever one stops (analysis.stats.anytime); this one
gives most seeds where a comparison is furthest from what it has to reach, as intervals narrow with √n.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell
from analysis.stats.choices import Choices
from analysis.stats.differences import Difference, differences
from analysis.stats.intervals import Interval
from orchestrator.results.records import StoppingRule

#: What tells a cell from every other: Cell.key.
Key = Hashable
#: Seeds of a round beside those of before, at most: a spread seen in few seeds is itself uncertain.
_GROWTH = 2


class Question(NamedTuple):
    """`cells`: whose seeds decide it. `far`: the width of its interval over the width at which it would be
    decided; 0 where it is, ∞ where it has no interval yet."""

    cells: tuple[Key, ...]
    far: float


class Cost(NamedTuple):
    """Hours of training so far, and of one seed of each cell."""

    hours: float
    each: Mapping[Key, float]


def questions(cells: Sequence[Cell], choices: Choices, rule: StoppingRule) -> list[Question]:
    """Those of one panel. `choices`: with the margin of what is called alike."""
    by_place = {(cell.line, cell.x): cell.key for cell in cells}
    compared = differences(cells, choices)
    if compared:
        return [
            Question((by_place[d.line, d.x], by_place[d.base, d.x]), _far(d, choices, rule)) for d in compared
        ]
    if rule["until_ci"] is None:
        return []
    return [
        Question((cell.key,), _too_wide(cell.summary(choices.measure).interval, rule["until_ci"]))
        for cell in cells
    ]


def _far(d: Difference, choices: Choices, rule: StoppingRule) -> float:
    far = 0.0
    if rule["until_ci"] is not None:
        far = _too_wide(d.estimate.interval, rule["until_ci"])
    if rule["until_decided"] and not d.decided:
        mean = abs(d.estimate.mean)
        far = max(far, _ratio(d.simultaneous, max(mean, choices.margin.value - mean)))
    return far


def _too_wide(interval: Interval, wanted: float) -> float:
    far = _ratio(interval, wanted)
    return far if far > 1 else 0.0


def _ratio(interval: Interval, wanted: float) -> float:
    return interval.half_width / wanted if interval.known else math.inf


def more(
    asked: Sequence[Question], counts: Mapping[Key, int], rule: StoppingRule, cost: Cost
) -> dict[Key, int]:
    """How many seeds each cell of the next round has, from `counts` of this one: as many where all is
    decided, or where seeds or hours are used up.

    Hours go to the questions that are furthest from decided, as long as the round is expected to keep within
    them."""
    found, spent = dict(counts), cost.hours
    for question in sorted(asked, key=lambda question: -question.far):
        if question.far == 0:
            continue
        n = min(counts[key] for key in question.cells)
        wanted = {key: max(found[key], _wanted(n, question.far, rule)) for key in question.cells}
        price = math.fsum((wanted[key] - found[key]) * cost.each.get(key, 0.0) for key in question.cells)
        if rule["max_hours"] is not None and spent + price > rule["max_hours"]:
            continue
        found |= wanted
        spent += price
    return found


def _wanted(n: int, far: float, rule: StoppingRule) -> int:
    """From n seeds to so many that the question may well be decided, in whole steps and not too many."""
    step = rule["step"]
    aim = math.ceil(n * min(far * far, _GROWTH))
    steps = max(1, math.ceil((aim - n) / step))
    return min(n + steps * step, max(n, rule["max_seeds"]))
