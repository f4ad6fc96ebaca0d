"""Which interval? Four kinds under one name, so that tables and figures can switch between them.

`t` is the default: with five seeds it is the one whose coverage is right when errors are near normal,
which the simulation in tests/analysis/test_coverage.py shows. `bca` (Efron 1987) assumes no shape but is
too narrow below about ten seeds, and is offered because reviewers ask for it. `sd` and `range` describe
the seeds at hand and promise nothing about the mean.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.stats.summary import NAN, Interval, t_interval

#: Kind -> what the page calls it.
KINDS: dict[str, str] = {
    "t": "95% CI (Student t)",
    "bca": "95% CI (BCa bootstrap)",
    "sd": "± 1 standard deviation",
    "range": "min to max",
}

RESAMPLES = 4_999


def interval(values: ArrayLike, kind: str = "t", level: float = 0.95, seed: int = 0) -> Interval:
    """The interval of that kind for `values` [n]; NaN bounds where n does not allow it.

    `seed` feeds the bootstrap alone: the same values and seed give the same numbers.
    """
    x = np.asarray(values, dtype=float).ravel()
    if kind == "t":
        return t_interval(x, level)
    if kind == "bca":
        return bca_interval(x, np.random.default_rng(seed), level)
    if x.size < 2:
        return Interval(NAN, NAN, level)
    if kind == "sd":
        return Interval(float(x.mean() - x.std(ddof=1)), float(x.mean() + x.std(ddof=1)), NAN)
    if kind == "range":
        return Interval(float(x.min()), float(x.max()), NAN)
    raise ValueError(f"unknown kind of interval {kind!r}; expected one of {', '.join(KINDS)}")


def bca_interval(
    values: ArrayLike, generator: np.random.Generator, level: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of the mean of `values` [n].

    Efron 1987, "Better bootstrap confidence intervals", section 4; ties with the estimate count half.
    NaN bounds for n < 2; a constant sample gives an interval of no width.
    """
    x = np.asarray(values, dtype=float).ravel()
    if x.size < 2:
        return Interval(NAN, NAN, level)
    if np.ptp(x) == 0:
        return Interval(float(x[0]), float(x[0]), level)
    means = np.sort(x[generator.integers(0, x.size, size=(resamples, x.size))].mean(axis=1))
    estimate = x.mean()
    below = (np.count_nonzero(means < estimate) + np.count_nonzero(means <= estimate)) / 2 / resamples
    bias = float(special.ndtri(below))
    probabilities = _adjusted(bias, _acceleration(x), level)
    low, high = np.quantile(means, probabilities)
    return Interval(float(low), float(high), level)


def _acceleration(x: NDArray[np.float64]) -> float:
    """Efron 1987, equation 4.4's jackknife form for the mean: skewness of the jackknife means over six."""
    jackknife = (x.sum() - x) / (x.size - 1)
    deviations = jackknife.mean() - jackknife
    squares = float((deviations**2).sum())
    return float((deviations**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0


def _adjusted(bias: float, acceleration: float, level: float) -> list[float]:
    found = []
    for tail in (0.5 - level / 2, 0.5 + level / 2):
        z = bias + float(special.ndtri(tail))
        denominator = 1 - acceleration * z
        shifted = bias + z / denominator if denominator > 0 else math.copysign(math.inf, z)
        found.append(float(special.ndtr(shifted)))
    return found
