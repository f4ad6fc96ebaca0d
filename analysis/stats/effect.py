"""Standardised effects: a difference in units of a spread, and which spread.

The two are not to be compared with each other: g_z counts in sds of the differences within a seed and grows
without bound as pairing gets better; g counts in sds of runs, as a study of independent runs would.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.stats.intervals import FEWEST_VALUES, NAN, alike


def g_z(differences: ArrayLike) -> float:
    """Hedges' g_z of paired differences [n]: mean over sd, with the small-sample correction J.

    Cohen 1988, d_z; Hedges 1981 for J. NaN for n < 2 or where all differences are the same.
    """
    x = np.asarray(differences, dtype=float).ravel()
    if x.size < 2 or alike(x):
        return NAN
    return float(x.mean() / x.std(ddof=1) * _correction(x.size - 1))


def g(a: ArrayLike, b: ArrayLike) -> float:
    """Hedges' g between runs: mean(`a`) − mean(`b`) over the root of the mean of both variances, corrected.

    Delacre et al. 2021, g*_s, the one that goes with Welch's test, with their degrees of freedom in Hedges's
    J. NaN where either has fewer than FEWEST_VALUES, or neither any spread."""
    x, y = np.asarray(a, dtype=float).ravel(), np.asarray(b, dtype=float).ravel()
    if min(x.size, y.size) < FEWEST_VALUES or (alike(x) and alike(y)):
        return NAN
    u, v = x.var(ddof=1), y.var(ddof=1)
    df = (u + v) ** 2 / (u**2 / (x.size - 1) + v**2 / (y.size - 1))
    return float((x.mean() - y.mean()) / math.sqrt((u + v) / 2) * _correction(float(df)))


def _correction(df: float) -> float:
    """Hedges's J, exact; NaN for one degree of freedom or fewer."""
    if df <= 1:
        return NAN
    return math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)
