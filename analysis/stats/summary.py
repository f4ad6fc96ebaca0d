"""What one cell's values say: mean, spread and interval.

Intervals come before point estimates (Agarwal et al. 2021, "Deep RL at the edge of the statistical
precipice"): with three to five seeds the interval is the result.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.intervals import CONFIDENCE, NAN, Interval, t_interval


@dataclass(frozen=True)
class Summary:
    """What one cell's values say. `sd` uses n − 1 and is NaN for n < 2; the interval is NaN where the
    values are too few or all alike."""

    n: int
    mean: float
    sd: float
    interval: Interval
    low: float
    median: float
    high: float


def summary(
    values: ArrayLike,
    level: float = CONFIDENCE,
    within: tuple[float, float] | None = None,
    *,
    sequential: bool = False,
) -> Summary:
    """Mean, sd, Student-t interval, extremes and median of `values` [n]; NaN values are an error.

    `within`: what the interval is cut to, where the mean can lie nowhere else. `sequential`: a rule added
    seeds as results came in, so the interval is the anytime-valid one.

    Raises ValueError where a value is not finite: the caller decides what a diverged trial means.
    """
    x = np.asarray(values, dtype=float).ravel()
    if not np.isfinite(x).all():
        raise ValueError("values must be finite; decide first what a missing or diverged trial means")
    if x.size == 0:
        return Summary(0, NAN, NAN, Interval(NAN, NAN, level), NAN, NAN, NAN)
    sd = float(x.std(ddof=1)) if x.size > 1 else NAN
    spread = t_interval(x, level, sequential=sequential)
    return Summary(
        n=int(x.size),
        mean=float(x.mean()),
        sd=sd,
        interval=spread if within is None else spread.cut(within),
        low=float(x.min()),
        median=float(np.median(x)),
        high=float(x.max()),
    )
