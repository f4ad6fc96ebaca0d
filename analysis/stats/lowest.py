"""The lowest of several means against the lowest of several others, where nobody said beforehand which.

Choosing the lowest mean and then giving it Student's interval is wrong: what chose it flatters it. The
interval here needs no choice. Let a be the true means of one side, b those of the other. Then min a − min b
is min over i of max over k of (a_i − b_k), which grows with every a_i − b_k; so the same expression of
lower and upper limits of the differences bounds it. Its upper end lies too low only where, for some i, the
upper limit of a_i − b_k* does, k* being the truly lowest of b; these are as many events as there are i, so
Bonferroni's correction for them is enough, and for k at the lower end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.stats.anytime import sequential
from analysis.stats.estimate import Array, Errors, common_seeds, moments
from analysis.stats.intervals import ALPHA, CONFIDENCE, FEWEST_VALUES, NAN, Interval, t_limits


class LowestDifference(NamedTuple):
    """`mean`: the lowest mean of the one side minus that of the other, in points; it lies in `interval`,
    which has at least its level whichever are truly lowest. `n`: seeds, one number where paired, else of
    each cell."""

    mean: float
    interval: Interval
    n: tuple[int, ...]


def lowest_difference(
    cells: Sequence[Errors], ours: Array, theirs: Array, *, paired: bool
) -> LowestDifference:
    """`ours` [I, cells], `theirs` [K, cells]: each row weighs the cells' means into one that is compared.

    Raises ValueError where a cell has no seed, or where `paired` none is common to all.
    """
    n = (len(common_seeds(cells)),) if paired else tuple(map(len, cells))
    if not min(n):
        raise ValueError("no seeds to compare")
    shape = len(ours), len(theirs)
    weights = (ours[:, None] - theirs[None]).reshape(-1, len(cells))
    m = moments(cells, weights, paired=paired)
    mean = float(_low_high(m.mean.reshape(shape)))
    known = min(n) >= FEWEST_VALUES and bool((m.error > 1e-9).all())
    if not known:
        return LowestDifference(mean, Interval(NAN, NAN), n)
    looked = sequential(cells)
    alpha = ALPHA / 2 if looked else ALPHA  # an anytime-valid limit is not known to err on either side alike
    low, high = (
        m.mean + sign * t_limits(1 - alpha / len(others), m.df, sequential=looked) * m.error
        for sign, others in ((-1, theirs), (1, ours))
    )
    ends = [float(_low_high(end.reshape(shape))) for end in (low, high)]
    return LowestDifference(mean, Interval(ends[0], ends[1], CONFIDENCE), n)


def _low_high(differences: Array) -> Array:
    """min over i of max over k of `differences` [I, K]."""
    return np.asarray(differences.max(axis=1).min())
