"""The confidence level of the whole report, and the intervals at it.

`t` is the default: its coverage is right at any n when errors are near normal, which the simulation in
tests/analysis/stats/test_coverage.py shows. `bca` (Efron 1987) assumes no shape but is too narrow with few
seeds; it is offered because reviewers ask for it, and never without its coverage. `sd` and `range` describe
the seeds at hand and promise nothing about the mean.

Two values give no interval: t with one degree of freedom reaches from nowhere to nowhere, unless the two
agree by chance, when it has no width. Nor do values that are all alike, because they show no spread.

Of scipy only scipy.special is used: scipy.stats takes longer to import than all else that a table needs.
"""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.stats import anytime

NAN = float("nan")

#: The confidence level of every interval on the page, in the tables and in the figures.
CONFIDENCE = 0.95
#: What is left over: a difference is claimed where its adjusted p is below this.
ALPHA = round(1 - CONFIDENCE, 12)
#: The level in words, and the label of an interval at it.
CONFIDENCE_LABEL = f"{100 * CONFIDENCE:g}%"
CI = f"{CONFIDENCE_LABEL} CI"

#: Level -> number of values -> the share of BCa intervals that hold the truth (3,000 to 20,000 simulated
#: studies with normal errors; tests/analysis/stats/test_coverage.py holds those of 95%).
BCA_COVERAGE: dict[float, dict[int, float]] = {
    0.9: {3: 0.7, 4: 0.75, 5: 0.78, 6: 0.81, 7: 0.83, 8: 0.83, 10: 0.85, 15: 0.87, 20: 0.87, 30: 0.89},
    0.95: {3: 0.73, 4: 0.8, 5: 0.84, 6: 0.86, 7: 0.87, 8: 0.89, 10: 0.9, 15: 0.92, 20: 0.92, 30: 0.94},
    0.99: {3: 0.76, 4: 0.85, 5: 0.9, 6: 0.92, 7: 0.94, 8: 0.95, 10: 0.96, 15: 0.97, 20: 0.98, 30: 0.98},
}

#: Kind -> what the page calls it.
KINDS: dict[str, str] = {
    "t": f"{CI} (Student t)",
    "bca": f"BCa bootstrap (nominal {CONFIDENCE_LABEL})",
    "sd": "± 1 standard deviation",
    "range": "min to max",
}
#: The same where a rule added seeds as results came in.
SEQUENTIAL_KINDS: dict[str, str] = {
    "t": f"{CI} (anytime-valid t)",
    "sd": KINDS["sd"],
    "range": KINDS["range"],
}

#: The fewest values that give an interval or a test.
FEWEST_VALUES = 3
#: Resamples of the values; their own number limits what more could tell.
RESAMPLES = 4_999
#: Up to this many values every resample is enumerated: 6,435 multisets of eight.
EXACT_VALUES = 8
#: Where an error or an accuracy in percent can lie; what would leave it is cut.
PERCENT = (0.0, 100.0)


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

    def cut(self, within: tuple[float, float]) -> "Interval":
        """What of it lies `within`; a truth that must lie there is covered as often."""
        low, high = (min(max(end, within[0]), within[1]) for end in (self.low, self.high))
        return Interval(low, high, self.level)


def alike(values: ArrayLike) -> bool:
    """Whether `values` [n] are one number but for rounding, as the differences of equal errors are."""
    x = np.asarray(values, dtype=float).ravel()
    return bool(np.ptp(x) <= 1e-9 * max(1.0, float(np.abs(x).max())))


def too_few(values: ArrayLike) -> bool:
    """Whether `values` [n] allow no interval and no test: fewer than FEWEST_VALUES, or all alike."""
    x = np.asarray(values, dtype=float).ravel()
    return x.size < FEWEST_VALUES or alike(x)


def t_interval(values: ArrayLike, level: float = CONFIDENCE, *, sequential: bool = False) -> Interval:
    """Student's t interval of the mean of `values` [n] (Student 1908), where `sequential` the anytime-valid
    one; NaN bounds where they are too few."""
    x = np.asarray(values, dtype=float).ravel()
    if too_few(x):
        return Interval(NAN, NAN, level)
    half = float(t_limits(level, x.size - 1, sequential=sequential)) * x.std(ddof=1) / math.sqrt(x.size)
    if not math.isfinite(half):
        return Interval(NAN, NAN, level)
    return Interval(float(x.mean() - half), float(x.mean() + half), level)


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t with `df` degrees of freedom."""
    return float(special.stdtrit(df, probability))


def t_limits(level: float, df: ArrayLike, *, sequential: bool) -> NDArray[np.float64]:
    """How far t may be from zero at confidence `level`, two-sided, for each of `df` [W]: by Student's
    distribution, or where `sequential` whenever one stops."""
    if sequential:
        return anytime.critical(level, df)
    quantiles = special.stdtrit(np.asarray(df, dtype=np.float64), 0.5 + level / 2)
    return np.asarray(quantiles, dtype=np.float64)


def interval(
    values: ArrayLike,
    kind: str = "t",
    level: float = CONFIDENCE,
    seed: int = 0,
    *,
    sequential: bool = False,
) -> Interval:
    """The interval of that kind for `values` [n]; NaN bounds where n does not allow it, and for a bootstrap
    where `sequential`: no number of resamples makes up for the looking.

    `seed` feeds the bootstrap of more than EXACT_VALUES alone: the same values and seed give the same
    numbers.
    """
    x = np.asarray(values, dtype=float).ravel()
    if kind == "t":
        return t_interval(x, level, sequential=sequential)
    if kind == "bca":
        if sequential:
            return Interval(NAN, NAN, level)
        return bca_interval(x, np.random.default_rng(seed), level)
    if kind not in KINDS:
        raise ValueError(f"unknown kind of interval {kind!r}; expected one of {', '.join(KINDS)}")
    if x.size < 2:
        return Interval(NAN, NAN, level)
    if kind == "sd":
        return Interval(float(x.mean() - x.std(ddof=1)), float(x.mean() + x.std(ddof=1)), NAN)
    return Interval(float(x.min()), float(x.max()), NAN)


def bca_coverage(n: int, level: float = CONFIDENCE) -> float | None:
    """The share of BCa intervals of `n` values that hold the truth: of the nearest number below that was
    simulated. None where n or level was not."""
    known = {size: share for size, share in BCA_COVERAGE.get(level, {}).items() if size <= n}
    return known[max(known)] if known else None


def bca_interval(
    values: ArrayLike, generator: np.random.Generator, level: float = CONFIDENCE, resamples: int = RESAMPLES
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of the mean of `values` [n].

    Efron 1987, "Better bootstrap confidence intervals", section 4; ties with the estimate count half. Up to
    EXACT_VALUES all resamples are enumerated, above `resamples` are drawn with `generator`. The interval of
    100 − `values` is the mirror image. NaN bounds where the values are too few.
    """
    x = np.asarray(values, dtype=float).ravel()
    if too_few(x):
        return Interval(NAN, NAN, level)
    if x.size <= EXACT_VALUES:
        chosen, weights = _multisets(x.size)
    else:
        chosen = generator.integers(0, x.size, size=(resamples, x.size))
        weights = np.full(resamples, 1 / resamples)
    means = x[chosen].mean(axis=1)
    slack = 1e-9 * np.ptp(x)  # means of the same numbers in another order
    apart = means - x.mean()
    below = float(weights[apart < -slack].sum() + weights[np.abs(apart) <= slack].sum() / 2)
    low, high = _adjusted(float(special.ndtri(below)), _acceleration(x), level)
    return Interval(_quantile(means, weights, low), -_quantile(-means, weights, 1 - high), level)


@functools.cache
def _multisets(n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every resample of n values but for its order [multisets, n], and its probability [multisets]."""
    chosen = np.array(list(itertools.combinations_with_replacement(range(n), n)))
    counts = np.stack([(chosen == i).sum(axis=1) for i in range(n)], axis=1)
    weights = np.exp(special.gammaln(n + 1) - special.gammaln(counts + 1).sum(axis=1) - n * math.log(n))
    return chosen, weights


def _quantile(values: NDArray[np.float64], weights: NDArray[np.float64], probability: float) -> float:
    """The smallest of `values` at or below which more than `probability` of the `weights` lies."""
    order = np.argsort(values)
    reached = np.searchsorted(np.cumsum(weights[order]), probability + 1e-12, side="right")
    return float(values[order[min(int(reached), values.size - 1)]])


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
