"""How many seeds a study needs, for an interval of some width or a test of some power.

Both take the sd of the difference as known: of a seed's where runs are pairs, of one run of each norm where
they are not. Seen in few seeds it is itself uncertain, so `sd_interval` says between which values it may lie,
and what is needed can be computed for both of them too. Differences are claimed by Holm's correction: of m
comparisons the first must pass the t test at ALPHA / m.

`per_seed` is what one more seed adds to the degrees of freedom: 1 for pairs; for independent runs between 1
and 2, as their variances differ or are alike (Estimate.df_per_seed)."""

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.intervals import ALPHA, CONFIDENCE, FEWEST_VALUES, t_quantile

#: More seeds than this are reported as "more than".
MOST_SEEDS = 1_000


def seeds_for_half_width(
    sd: float, half_width: float, level: float = CONFIDENCE, per_seed: float = 1.0
) -> int | None:
    """The fewest seeds whose t interval is expected to reach ± `half_width`, given the sd of the difference,
    both in points.

    None above MOST_SEEDS or where sd is unknown.
    """
    return _fewest(
        lambda n: t_quantile(0.5 + level / 2, per_seed * (n - 1)) * sd / math.sqrt(n) <= half_width, sd
    )


def seeds_for_power(
    sd: float, effect: float, power: float = 0.8, alpha: float = ALPHA, per_seed: float = 1.0
) -> int | None:
    """The fewest seeds with which the two-sided t test at `alpha` finds a true difference of `effect` points
    with probability `power` (noncentral t). None above MOST_SEEDS or where sd is unknown."""
    return _fewest(lambda n: t_power(n, sd, effect, alpha, per_seed) >= power, sd)


def sd_interval(sd: float, df: float, level: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of the true sd where normal values have `sd`: χ² with `df` degrees of freedom, n − 1 for n
    pairs."""
    low, high = (
        sd * math.sqrt(df / 2 / special.gammaincinv(df / 2, 0.5 + x)) for x in (level / 2, -level / 2)
    )
    return low, high


def t_power(n: int, sd: float, effect: float, alpha: float = ALPHA, per_seed: float = 1.0) -> float:
    """Power of the two-sided t test at `alpha` with n seeds: the noncentral t beyond the critical value.

    Given the sample's sd the mean is normal; the sd's own distribution is integrated out by Gauss–Legendre
    quadrature over its quantiles, because scipy.special.nctdtr gives NaN from about df = 260 on. For Welch's
    test this takes the degrees of freedom as known."""
    if sd == 0:
        return 1.0
    df, shift = per_seed * (n - 1), abs(effect) / sd * math.sqrt(n)
    critical = t_quantile(1 - alpha / 2, df)
    _, weights = _quadrature()
    scale = _sample_sds(df)
    inside = special.ndtr(critical * scale - shift) - special.ndtr(-critical * scale - shift)
    return float(1 - weights @ inside / 2)


@functools.cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of Gauss–Legendre quadrature on −1 to 1."""
    return np.polynomial.legendre.leggauss(200)


@functools.lru_cache(maxsize=4_096)  # a page asks for the same ones for every effect and power
def _sample_sds(df: float) -> NDArray[np.float64]:
    """Quantiles of the sample sd over the true sd, with `df` degrees of freedom, at the nodes."""
    nodes, _ = _quadrature()
    quantiles: NDArray[np.float64] = np.sqrt(2 * special.gammaincinv(df / 2, (nodes + 1) / 2) / df)
    return quantiles


def _fewest(enough: Callable[[int], bool], sd: float) -> int | None:
    """The smallest n from FEWEST_VALUES that is enough; `enough` must stay true once it is."""
    if not math.isfinite(sd) or not enough(MOST_SEEDS):
        return None
    low, high = FEWEST_VALUES, MOST_SEEDS
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
