"""The study's central claim as it is worded: as batches shrink, one error grows and the other does not.

That is an interaction, the change of line − base from the largest to the smallest batch size, and needs a
test of its own: a difference that is significant and one that is not need not differ (Gelman & Stern 2006).
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.stats.cells import Line
from analysis.stats.differences import Difference
from analysis.stats.estimate import Estimate, contrast
from analysis.stats.multiplicity import decide, holm


class Interaction(NamedTuple):
    """(line − base) at the smallest batch size minus the same at the largest, in points of error: below zero,
    the base's error grows relative to the line's. A contrast of four cells, within a seed where runs are
    pairs.

    `p_holm`: adjusted over the lines of the panel; `claimed`: what the decision rule allows to be called a
    change.
    """

    line: Line
    base: Line
    largest: int
    smallest: int
    estimate: Estimate
    p_holm: float
    claimed: bool


def interactions(differences: Sequence[Difference]) -> list[Interaction]:
    """For each line of one panel that shares two batch sizes or more with its base. `differences`: of the
    panel."""
    by_line: dict[Line, list[Difference]] = {}
    for d in differences:
        if d.estimate.exists:
            by_line.setdefault(d.line, []).append(d)
    ends = [
        (min(own, key=lambda d: d.batch_size), max(own, key=lambda d: d.batch_size))
        for own in by_line.values()
        if len(own) > 1
    ]
    estimates = [
        contrast(
            [small.ours, small.theirs, large.ours, large.theirs],
            (1, -1, -1, 1),
            paired=small.estimate.paired,
        )
        for small, large in ends
    ]
    adjusted = holm([e.p for e in estimates])
    claims = decide(adjusted)
    return [
        Interaction(small.line, small.base, large.batch_size, small.batch_size, e, p_holm, claimed)
        for (small, large), e, p_holm, claimed in zip(ends, estimates, adjusted, claims, strict=True)
    ]
