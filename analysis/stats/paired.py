"""Whether a difference is real: statistics of paired differences, from arrays alone.

Three answers stand side by side because reviewers ask for all three: an interval (how large is it?), a t
test (unlikely under no difference, if differences are near normal) and the exact sign-flip test, which
assumes nothing but symmetry and pays for that: n pairs have only 2ⁿ flips, so its smallest two-sided p is
2/2ⁿ, 1/16 with five seeds, and no result of five seeds can pass it at 0.05.

The decision rule of the whole report is `decide`: Holm's correction of the t tests over the batch sizes.
tests/analysis/stats/test_coverage.py simulates it: at most one study in twenty without any difference claims
one.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.stats.intervals import ALPHA, NAN, Interval, alike, t_quantile, too_few

#: All 2ⁿ flips up to this many pairs (about a million); a random sample of flips above.
EXACT_PAIRS = 20
#: Flips sampled where all are too many.
SAMPLED_FLIPS = 100_000


def t_test(differences: ArrayLike) -> float:
    """Two-sided p of Student's paired t test for `differences` [n]; NaN where they are too few."""
    x = np.asarray(differences, dtype=float).ravel()
    if too_few(x):
        return NAN
    sd = x.std(ddof=1)
    return float(2 * special.stdtr(x.size - 1, -abs(x.mean()) / (sd / math.sqrt(x.size))))


def sign_flip(differences: ArrayLike, generator: np.random.Generator | None = None) -> float:
    """Two-sided p of the sign-flip permutation test for `differences` [n] (Fisher 1935, section 21).

    Exact, over all 2ⁿ flips, for n ≤ 20. Above, from 100,000 flips drawn with `generator`, with the
    observed one counted in (Phipson & Smyth 2010), so it is never zero. NaN for n = 0.
    """
    x = np.asarray(differences, dtype=float).ravel()
    if x.size == 0:
        return NAN
    observed = abs(x.sum())
    slack = 1e-12 * np.abs(x).sum()  # sums of the same numbers in another order
    if x.size <= EXACT_PAIRS:
        sums = np.abs(_all_flips(x))
        return float(np.count_nonzero(sums >= observed - slack) / sums.size)
    generator = generator or np.random.default_rng(0)
    hits = 0
    for _ in range(10):  # in parts, to keep memory small
        flips = generator.integers(0, 2, size=(SAMPLED_FLIPS // 10, x.size), dtype=np.int8)
        hits += int(np.count_nonzero(np.abs((2.0 * flips - 1) @ x) >= observed - slack))
    return (hits + 1) / (SAMPLED_FLIPS + 1)


def _all_flips(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums under every assignment of signs [2ⁿ]."""
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def smallest_p(n: int) -> float:
    """The smallest p that the two-sided sign-flip test can give with n pairs."""
    return min(1.0, 2.0 ** (1 - n)) if n else NAN  # not 2 / 2**n, which overflows from 1,025 pairs


def fewest_pairs(family: int = 1) -> int:
    """The fewest pairs with which the two-sided sign-flip test can give a p below ALPHA.

    By Holm's correction over `family` tests: where all of them give their smallest p, the factor is their
    number.
    """
    return next(n for n in range(1, 1_000) if family * smallest_p(n) < ALPHA)


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (Holm 1979), in the order given; a NaN stays NaN, uncounted."""
    known = sorted((p, i) for i, p in enumerate(ps) if math.isfinite(p))
    adjusted = [NAN] * len(ps)
    running = 0.0
    for rank, (p, i) in enumerate(known):
        running = max(running, min(1.0, (len(known) - rank) * p))
        adjusted[i] = running
    return adjusted


def decide(adjusted: Sequence[float]) -> list[bool]:
    """Which of a family's differences the report may claim: Holm-adjusted p of the t test below ALPHA."""
    return [math.isfinite(p) and p < ALPHA for p in adjusted]


def effect_size(differences: ArrayLike) -> float:
    """Hedges' g of paired differences [n]: mean over sd, with the small-sample correction J.

    Cohen 1988, d_z; Hedges 1981 for J. NaN for n < 2 or where all differences are the same.
    """
    x = np.asarray(differences, dtype=float).ravel()
    if x.size < 2 or alike(x):
        return NAN
    sd = x.std(ddof=1)
    df = x.size - 1
    correction = (
        math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)
        if df > 1
        else NAN
    )
    return float(x.mean() / sd * correction)


# -- equivalence -------------------------------------------------------------------------------------


class Equivalence(NamedTuple):
    """TOST: `p` of both one-sided tests; `interval`: of 1 − 2α, which must lie in ± `margin` points."""

    p: float
    interval: Interval
    margin: float

    @property
    def shown(self) -> bool:
        return math.isfinite(self.p) and self.p < ALPHA


def equivalence(differences: ArrayLike, margin: float) -> Equivalence:
    """Two one-sided t tests (Schuirmann 1987) that the mean of `differences` [n] lies within ± `margin`.

    NaN where they are too few.
    """
    x = np.asarray(differences, dtype=float).ravel()
    level = 1 - 2 * ALPHA
    if too_few(x):
        return Equivalence(NAN, Interval(NAN, NAN, level), margin)
    error, df, mean = x.std(ddof=1) / math.sqrt(x.size), x.size - 1, x.mean()
    half = t_quantile(1 - ALPHA, df) * error
    interval = Interval(float(mean - half), float(mean + half), level)
    below = special.stdtr(df, -(mean + margin) / error)
    above = special.stdtr(df, (mean - margin) / error)
    return Equivalence(float(max(below, above)), interval, margin)
