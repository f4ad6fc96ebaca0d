"""How much do the seeds let us say?

Pure functions of arrays: no files, no frames (but for `best_groups`, which the command line calls), no
random state of their own. Intervals come before point estimates (Agarwal et al. 2021, "Deep RL at the
edge of the statistical precipice"): with three to five seeds the interval is the result.

Only scipy.special is used: scipy.stats takes most of a second to import, and every table waits for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from model.errors import InputError

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


def best_groups(frame: pd.DataFrame) -> int:
    """The G with the lowest mean validation error over the seeds of a finished G search.

    `frame`: as from analysis.load. Only trials judged on held-out images count. A G of which a trial
    diverged cannot win. Raises InputError where there is no G search, where it is unfinished, or where
    the frame holds several.
    """
    search = frame[(frame["norm"] == "gn") & (frame["holdout"].fillna(0) > 0)]
    if search.empty:
        raise InputError(
            "the results hold no G search: no group norm trial was judged on held-out images. "
            "Run one with --grid gsearch."
        )
    keys = ["dataset", "model", "shortcut", "recipe", "epochs", "iterations", "batch_size", "holdout"]
    if len(search[keys].drop_duplicates()) > 1:
        raise InputError("the results hold more than one G search (they differ in more than G and the seed)")
    search = search[search["declared"]] if search["declared"].any() else search
    ended = search["status"].isin(["done", "diverged"])
    if not ended.all():
        raise InputError(
            f"the G search is unfinished: {int((~ended).sum())} of {len(search)} trials have no result. "
            "Run it again to finish it."
        )
    bad = set(search.loc[(search["status"] == "diverged") | search["val_error"].isna(), "groups"])
    means = _means_by_groups(search[~search["groups"].isin(bad)])
    if not means:
        raise InputError("no G of the search has a validation error for every seed (trials diverged)")
    return min(means, key=lambda groups: (means[groups], groups))


def _means_by_groups(search: pd.DataFrame) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for groups, error in zip(search["groups"], search["val_error"], strict=True):
        if not pd.isna(groups):
            found.setdefault(int(groups), []).append(float(error))
    return {groups: _mean(errors) for groups, errors in found.items()}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
