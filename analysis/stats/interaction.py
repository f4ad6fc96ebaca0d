"""The study's central claim as it is worded: as batches shrink, one error grows and the other does not.

That is an interaction, the change of line − base from the largest to the smallest batch size, and needs a
test of its own: a difference that is significant and one that is not need not differ (Gelman & Stern 2006).
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.stats import paired
from analysis.stats.cells import Line
from analysis.stats.differences import Difference
from analysis.stats.summary import Summary, summary


class Interaction(NamedTuple):
    """(line − base) at the smallest batch size minus the same at the largest, within a seed, in points of
    error: below zero, the base's error grows relative to the line's.

    `p`: of the paired t test; `p_holm`: adjusted over the lines of the panel; `claimed`: what the decision
    rule allows to be called a change.
    """

    line: Line
    base: Line
    largest: int
    smallest: int
    summary: Summary
    p: float
    p_holm: float
    claimed: bool


def interactions(differences: Sequence[Difference]) -> list[Interaction]:
    """For each line of one panel that shares two batch sizes or more with its base. `differences`: of the
    panel."""
    by_line: dict[Line, list[Difference]] = {}
    for d in differences:
        if d.values:
            by_line.setdefault(d.line, []).append(d)
    ends = [
        (min(own, key=lambda d: d.batch_size), max(own, key=lambda d: d.batch_size))
        for own in by_line.values()
        if len(own) > 1
    ]
    changes = [
        [
            small.values[seed] - large.values[seed]
            for seed in sorted(small.values.keys() & large.values.keys())
        ]
        for small, large in ends
    ]
    ps = [paired.t_test(x) for x in changes]
    adjusted = paired.holm(ps)
    claims = paired.decide(adjusted)
    return [
        Interaction(
            small.line, small.base, large.batch_size, small.batch_size, summary(x), p, p_holm, claimed
        )
        for (small, large), x, p, p_holm, claimed in zip(ends, changes, ps, adjusted, claims, strict=True)
    ]
