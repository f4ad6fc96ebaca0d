"""The study's central claim as it is worded: as batches shrink, one error grows and the other does not.

That is an interaction, the change of line − base from the largest to the smallest batch size, and needs a
test of its own: a difference that is significant and one that is not need not differ (Gelman & Stern 2006).
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.stats.axes import XAxis
from analysis.stats.differences import Difference, by_pair
from analysis.stats.estimate import Estimate, contrast
from analysis.stats.line import Line
from analysis.stats.multiplicity import decide, holm
from model.axis import Value


class Interaction(NamedTuple):
    """(line − base) at the end of the axis that lines run over minus the same at its beginning, at the
    smallest batch size minus at the largest, in points of error: below zero, the base's error grows relative
    to the line's. A contrast of four cells, within a seed where runs are pairs.

    `ours`, `theirs`: the change of either error by itself, of which the interaction says nothing: an error
    that grows relative to another may itself fall. `p_holm`: adjusted over the comparisons of the panel;
    `claimed`: what the decision rule allows to be called a change.
    """

    line: Line
    base: Line
    x: XAxis
    first: Value
    last: Value
    estimate: Estimate
    ours: Estimate
    theirs: Estimate
    p_holm: float
    claimed: bool


def interactions(differences: Sequence[Difference]) -> list[Interaction]:
    """For each line of one panel that shares two batch sizes or more with its base; none where the axis has
    no order. `differences`: of the panel."""
    known = [d for d in differences if d.estimate.exists and d.panel.x.numeric]
    ordered = [sorted(own, key=lambda d: d.panel.x.key(d.x)) for own in by_pair(known).values()]
    ends = [(own[-1], own[0]) for own in ordered if len(own) > 1]
    estimates = [_changes(last, first) for last, first in ends]
    adjusted = holm([both.p for both, _, _ in estimates])
    claims = decide(adjusted)
    return [
        Interaction(last.line, last.base, last.panel.x, first.x, last.x, *changes, p_holm, claimed)
        for (last, first), changes, p_holm, claimed in zip(ends, estimates, adjusted, claims, strict=True)
    ]


def _changes(last: Difference, first: Difference) -> tuple[Estimate, Estimate, Estimate]:
    """Of the difference, of the line and of its base, from the beginning of the axis to its end."""
    paired = last.estimate.paired
    return (
        contrast([last.ours, last.theirs, first.ours, first.theirs], (1, -1, -1, 1), paired=paired),
        contrast([last.ours, first.ours], (1, -1), paired=paired),
        contrast([last.theirs, first.theirs], (1, -1), paired=paired),
    )
