"""The confidence level of the whole report, and the intervals at it.

`t` is the default: with five seeds it is the one whose coverage is right when errors are near normal,
which the simulation in tests/analysis/stats/test_coverage.py shows. `bca` (Efron 1987) assumes no shape
but is too narrow below about ten seeds, and is offered because reviewers ask for it. `sd` and `range`
describe the seeds at hand and promise nothing about the mean.

Of scipy only scipy.special is used: scipy.stats takes longer to import than all else that a table needs.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

NAN = float("nan")

#: The confidence level of every interval on the page, in the tables and in the figures.
CONFIDENCE = 0.95
#: What is left over: a difference is claimed where its adjusted p is below this.
ALPHA = round(1 - CONFIDENCE, 12)
#: The level in words, and the label of an interval at it.
CONFIDENCE_LABEL = f"{100 * CONFIDENCE:g}%"
CI = f"{CONFIDENCE_LABEL} CI"

#: Level -> the share of BCa intervals of five values that hold the truth (3,000 simulated studies with normal
#: errors; tests/analysis/stats/test_coverage.py bounds that of 95%).
BCA_COVERAGE = {0.9: 0.78, 0.95: 0.85, 0.99: 0.89}

#: Kind -> what the page calls it.
KINDS: dict[str, str] = {
    "t": f"{CI} (Student t)",
    "bca": f"{CI} (BCa bootstrap)",
    "sd": "± 1 standard deviation",
    "range": "min to max",
}

#: Resamples of the values; their own number limits what more could tell.
RESAMPLES = 4_999


@dataclass(frozen=True)
class Interval:
    """`low` to `high` at confidence `level`; NaN where n allows none."""

    low: float
    high: float
    level: float = CONFIDENCE

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    @property
    def known(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


def t_interval(values: ArrayLike, level: float = CONFIDENCE) -> Interval:
    """Student's t interval of the mean of `values` [n] (Student 1908); NaN bounds for n < 2."""
    x = np.asarray(values, dtype=float).ravel()
    if x.size < 2:
        return Interval(NAN, NAN, level)
    half = t_quantile(0.5 + level / 2, x.size - 1) * x.std(ddof=1) / math.sqrt(x.size)
    return Interval(float(x.mean() - half), float(x.mean() + half), level)


def welch(a: ArrayLike, b: ArrayLike, level: float = CONFIDENCE) -> Interval:
    """Welch's t interval of mean(`a`) − mean(`b`), for samples that are no pairs; NaN bounds for n < 2.

    Degrees of freedom after Satterthwaite 1946.
    """
    x, y = np.asarray(a, dtype=float).ravel(), np.asarray(b, dtype=float).ravel()
    if min(x.size, y.size) < 2:
        return Interval(NAN, NAN, level)
    u, v = x.var(ddof=1) / x.size, y.var(ddof=1) / y.size
    shift = float(x.mean() - y.mean())
    if u + v == 0:
        return Interval(shift, shift, level)
    df = (u + v) ** 2 / (u**2 / (x.size - 1) + v**2 / (y.size - 1))
    half = t_quantile(0.5 + level / 2, df) * math.sqrt(u + v)
    return Interval(shift - half, shift + half, level)


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t with `df` degrees of freedom."""
    return float(special.stdtrit(df, probability))


def interval(values: ArrayLike, kind: str = "t", level: float = CONFIDENCE, seed: int = 0) -> Interval:
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
    values: ArrayLike, generator: np.random.Generator, level: float = CONFIDENCE, resamples: int = RESAMPLES
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
    """The probabilities of the two quantiles, shifted by bias and acceleration (Efron 1987, equation 4.2)."""
    probabilities = []
    for tail in (0.5 - level / 2, 0.5 + level / 2):
        z = bias + float(special.ndtri(tail))
        denominator = 1 - acceleration * z
        shifted = bias + z / denominator if denominator > 0 else math.copysign(math.inf, z)
        probabilities.append(float(special.ndtr(shifted)))
    return probabilities
