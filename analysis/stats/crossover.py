"""The batch size below which one line beats another.

The estimate may be that it does at every batch size or at none, so it lives on a scale that has both ends:
0 and infinity are values of it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA, NAN, RESAMPLES, Interval


class Crossover(NamedTuple):
    """Below `estimate` images a batch, the line beats its base.

    0: it is not better even at the smallest batch size; ∞: it is better at every one. `interval`: at
    CONFIDENCE by bootstrap over seeds, on the same extended scale. `sizes`: the batch sizes compared,
    small first. `n`: seeds.
    """

    estimate: float
    interval: Interval
    sizes: tuple[int, ...]
    n: int


def crossover(
    sizes: Sequence[int], differences: ArrayLike, generator: np.random.Generator, resamples: int = RESAMPLES
) -> Crossover:
    """Where the mean of `differences` [seeds, batch sizes] (line − base, NaN where unpaired) turns positive.

    Between batch sizes the mean is taken as linear in log₂ of the batch size. `sizes` ascend. Whole seeds
    are resampled, so what a seed shares over batch sizes stays together; the interval is the percentile
    one, because the estimate may be 0 or ∞, where corrections have no meaning.
    """
    d = np.atleast_2d(np.asarray(differences, dtype=float))
    x = np.log2(np.asarray(sizes, dtype=float))
    estimate = _crossing(x, _column_means(d))
    draws = generator.integers(0, len(d), size=(resamples, len(d)))
    crossings = [c for means in _column_means(d[draws]) if not math.isnan(c := _crossing(x, means))]
    known = len(d) > 1 and bool(crossings)
    # "lower"/"higher" and not "linear": halfway between a batch size and infinity lies nothing
    low = float(np.quantile(crossings, ALPHA / 2, method="lower")) if known else NAN
    high = float(np.quantile(crossings, 1 - ALPHA / 2, method="higher")) if known else NAN
    return Crossover(2.0**estimate, Interval(2.0**low, 2.0**high), tuple(sizes), len(d))


def _column_means(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over seeds, the last axis but one, of what is known; NaN where nothing is."""
    known = ~np.isnan(d)
    counts = known.sum(axis=-2)
    sums: NDArray[np.float64] = np.where(known, d, 0.0).sum(axis=-2)
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(sums.shape, NAN), where=counts > 0)
    return means


def _crossing(x: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    """log₂ of the batch size at which `mean` first reaches zero from below; −∞, ∞ or NaN as above."""
    if np.isnan(mean).any():
        return NAN
    if mean[0] >= 0:
        return -math.inf
    for i in range(1, len(mean)):
        if mean[i] >= 0:
            share = -mean[i - 1] / (mean[i] - mean[i - 1])
            return float(x[i - 1] + share * (x[i] - x[i - 1]))
    return math.inf


def crossover_of(differences: Sequence[Difference]) -> Crossover | None:
    """Where one line starts to beat its base; None with fewer than two batch sizes."""
    ordered = sorted(differences, key=lambda d: d.batch_size)
    seeds = sorted({seed for d in ordered for seed in d.values})
    if len(ordered) < 2:
        return None
    matrix = np.array([[d.values.get(seed, math.nan) for d in ordered] for seed in seeds])
    return crossover([d.batch_size for d in ordered], matrix, np.random.default_rng(0))
