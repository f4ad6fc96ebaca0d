"""Sameness needs a proof of its own: a difference that is not significant is none.

Two one-sided t tests (Schuirmann 1987) ask whether a contrast lies within a margin either way. They pass at
ALPHA exactly where the interval at 1 − 2·ALPHA lies within it, so the same interval says the smallest margin
that passes."""

import math
from typing import NamedTuple

from analysis.stats.estimate import Estimate
from analysis.stats.intervals import ALPHA, CONFIDENCE, NAN, Interval

#: The level of the interval that equivalence reads.
LEVEL = round(1 - 2 * ALPHA, 12)
#: The label of an interval at it.
EQUIVALENCE_CI = f"{100 * LEVEL:g}% CI"


class Equivalence(NamedTuple):
    """TOST: `p` of both one-sided tests; `interval`: of 1 − 2α, which must lie in ± `margin` points."""

    p: float
    interval: Interval
    margin: float

    @property
    def shown(self) -> bool:
        return math.isfinite(self.p) and self.p < ALPHA

    @property
    def reach(self) -> float:
        """The smallest margin that passes, in points; NaN where the seeds are too few."""
        return max(abs(self.interval.low), abs(self.interval.high))


def equivalence(estimate: Estimate, margin: float) -> Equivalence:
    """Whether the contrast lies within ± `margin` points; NaN where the seeds are too few. Where a rule added
    seeds, by the interval at CONFIDENCE, since no half of its error is known to lie on either side."""
    interval = estimate.at(CONFIDENCE if estimate.sequential else LEVEL)
    if not interval.known:
        return Equivalence(NAN, interval, margin)
    return Equivalence(max(estimate.p_above(-margin), estimate.p_below(margin)), interval, margin)
