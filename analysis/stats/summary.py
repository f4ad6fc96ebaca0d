"""How much do the seeds let us say?

Pure functions of arrays: no files, no frames, no random state of their own. Intervals come before point
estimates (Agarwal et al. 2021, "Deep RL at the edge of the statistical precipice"): with three to five
seeds the interval is the result.

Only scipy.special is used: scipy.stats takes most of a second to import, and every table waits for it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

NAN = float("nan")


@dataclass(frozen=True)
class Interval:
    """`low` to `high` at confidence `level`; NaN where n allows none."""

    low: float
    high: float
    level: float = 0.95

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    @property
    def known(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True)
class Summary:
    """What one cell's values say. `sd` uses n − 1; it and the interval are NaN for n < 2."""

    n: int
    mean: float
    sd: float
    interval: Interval
    low: float
    median: float
    high: float


def summary(values: ArrayLike, level: float = 0.95) -> Summary:
    """Mean, sd, Student-t interval, extremes and median of `values` [n]; NaN values are an error.

    Raises ValueError where a value is not finite: the caller decides what a diverged trial means.
    """
    x = np.asarray(values, dtype=float).ravel()
    if not np.isfinite(x).all():
        raise ValueError("values must be finite; decide first what a missing or diverged trial means")
    if x.size == 0:
        return Summary(0, NAN, NAN, Interval(NAN, NAN, level), NAN, NAN, NAN)
    sd = float(x.std(ddof=1)) if x.size > 1 else NAN
    return Summary(
        n=int(x.size),
        mean=float(x.mean()),
        sd=sd,
        interval=t_interval(x, level),
        low=float(x.min()),
        median=float(np.median(x)),
        high=float(x.max()),
    )


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of `values` [n] (Student 1908); NaN bounds for n < 2."""
    x = np.asarray(values, dtype=float).ravel()
    if x.size < 2:
        return Interval(NAN, NAN, level)
    half = t_quantile(0.5 + level / 2, x.size - 1) * x.std(ddof=1) / math.sqrt(x.size)
    return Interval(float(x.mean() - half), float(x.mean() + half), level)


def welch(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
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
