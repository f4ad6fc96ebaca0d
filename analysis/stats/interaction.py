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

    `ours`, `theirs`: the change of either error by itself, of which the interaction says nothing: an error
    that grows relative to another may itself fall. `p_holm`: adjusted over the lines of the panel; `claimed`:
    what the decision rule allows to be called a change.
    """

    line: Line
    base: Line
    largest: int
    smallest: int
    estimate: Estimate
    ours: Estimate
    theirs: Estimate
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
    estimates = [_changes(small, large) for small, large in ends]
    adjusted = holm([both.p for both, _, _ in estimates])
    claims = decide(adjusted)
    return [
        Interaction(small.line, small.base, large.batch_size, small.batch_size, *changes, p_holm, claimed)
        for (small, large), changes, p_holm, claimed in zip(ends, estimates, adjusted, claims, strict=True)
    ]


def _changes(small: Difference, large: Difference) -> tuple[Estimate, Estimate, Estimate]:
    """Of the difference, of the line and of its base, from the larger batch size to the smaller."""
    paired = small.estimate.paired
    return (
        contrast([small.ours, small.theirs, large.ours, large.theirs], (1, -1, -1, 1), paired=paired),
        contrast([small.ours, large.ours], (1, -1), paired=paired),
        contrast([small.theirs, large.theirs], (1, -1), paired=paired),
    )
