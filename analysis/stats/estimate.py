"""A contrast of cells' means: its estimate, its standard error and what follows from both.

A difference of two norms, a rise from one batch size to another and the change of a difference are all sums
of cells' means with weights, so one rule serves them. Which rule is a fact about how the runs were made.
Where the runs of a seed are *paired* (they start alike and see the same images in the same order) the
contrast is taken within each seed, and Student's t is of those values. Where they are *independent* each cell
has a variance of its own, and the degrees of freedom are those of Welch (1947) and Satterthwaite (1946).

Where a rule added the seeds as results came in, intervals and p-values are those of analysis.stats.anytime,
which there are for pairs alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.stats import anytime
from analysis.stats.intervals import CONFIDENCE, FEWEST_VALUES, NAN, Interval, alike, t_limits, too_few

#: Seed -> error in percent, of the trials of one cell that ended well.
Errors = Mapping[int, float]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A contrast in points. `error`: its standard error, with `df` degrees of freedom; both NaN where the
    seeds are too few or all alike.

    `sd`: of the contrast in one seed where `paired`, of one run of each cell where not. `sd_df`: the degrees
    of freedom of that sd. `df_per_seed`: the degrees of freedom that one more seed in every cell adds. `n`:
    the seeds that count, one number where paired, else one for each cell. `sequential`: a rule added seeds as
    results came in, so all that follows holds whenever one stops."""

    mean: float
    sd: float
    error: float
    df: float
    sd_df: float
    df_per_seed: float
    n: tuple[int, ...]
    paired: bool
    sequential: bool = False

    @property
    def fewest(self) -> int:
        """Seeds in the smallest cell."""
        return min(self.n)

    @property
    def exists(self) -> bool:
        """Whether there is a mean at all."""
        return math.isfinite(self.mean)

    @property
    def interval(self) -> Interval:
        """At the level of the whole page."""
        return self.at(CONFIDENCE)

    def at(self, level: float) -> Interval:
        """The t interval at `level`; NaN bounds where the seeds are too few."""
        if not math.isfinite(self.error):
            return Interval(NAN, NAN, level)
        half = float(t_limits(level, self.df, sequential=self.sequential)) * self.error
        if not math.isfinite(half):
            return Interval(NAN, NAN, level)
        return Interval(self.mean - half, self.mean + half, level)

    @property
    def p(self) -> float:
        """Two-sided p of the t test that the contrast is zero."""
        if self.sequential:
            return anytime.p_value(self.mean / self.error, self.df) if math.isfinite(self.error) else NAN
        return 2 * min(self.p_above(0.0), self.p_below(0.0)) if math.isfinite(self.error) else NAN

    def p_above(self, value: float) -> float:
        """One-sided p: how unlikely so large a mean is where the truth is `value` points or less."""
        return self._one_sided((value - self.mean) / self.error)

    def p_below(self, value: float) -> float:
        """One-sided p: how unlikely so small a mean is where the truth is `value` points or more."""
        return self._one_sided((self.mean - value) / self.error)

    def _one_sided(self, t: float) -> float:
        """How unlikely a t of so much or less is. Where seeds were added by a rule, the two-sided p on that
        side: at most what it says, since t further off has less."""
        if not self.sequential:
            return float(special.stdtr(self.df, t))
        return anytime.p_value(t, self.df) if t < 0 else 1.0


class Moments(NamedTuple):
    """As in Estimate, for each of several contrasts [W]."""

    mean: Array
    sd: Array
    error: Array
    df: Array
    sd_df: Array
    df_per_seed: Array


def contrast(cells: Sequence[Errors], weights: Sequence[float], *, paired: bool) -> Estimate:
    """The sum of the cells' means by `weights`. Where `paired`, of the seeds that every cell has. Between
    independent runs to which a rule added seeds there is no interval."""
    added = anytime.sequential(cells)
    if not paired:
        return _between_runs(cells, weights, sequential=added)
    return _within_seeds(matrix(cells), weights, sequential=added)


def _within_seeds(errors: Array, weights: Sequence[float], *, sequential: bool = False) -> Estimate:
    if not len(errors):
        return Estimate(NAN, NAN, NAN, NAN, NAN, NAN, (0,), paired=True)
    w = np.asarray([weights], dtype=float)
    found = _estimate(_paired(errors, w), (len(errors),), few=too_few(errors @ w[0]), paired=True)
    return replace(found, sequential=sequential)


def _between_runs(cells: Sequence[Errors], weights: Sequence[float], *, sequential: bool) -> Estimate:
    n = tuple(map(len, cells))
    if not min(n):
        return Estimate(NAN, NAN, NAN, NAN, NAN, NAN, n, paired=False)
    few = min(n) < FEWEST_VALUES or all(alike(list(cell.values())) for cell in cells)
    m = moments(cells, np.asarray([weights], dtype=float), paired=False)
    return replace(_estimate(m, n, few=few or sequential, paired=False), sequential=sequential)


def _estimate(m: Moments, n: tuple[int, ...], *, few: bool, paired: bool) -> Estimate:
    mean, sd, error, df, sd_df, df_per_seed = (float(values[0]) for values in m)
    if few:
        error = df = NAN
    return Estimate(mean, sd, error, df, sd_df, df_per_seed, n, paired)


def of_pairs(values: ArrayLike) -> Estimate:
    """The mean of `values` [n], differences within a seed."""
    return _within_seeds(np.asarray(values, dtype=float).reshape(-1, 1), [1.0])


def common_seeds(cells: Sequence[Errors]) -> list[int]:
    """The seeds that every cell has."""
    return sorted(set.intersection(*(set(cell) for cell in cells)))


def matrix(cells: Sequence[Errors]) -> Array:
    """The errors of the seeds that every cell has [seeds, cells]."""
    return np.array([[cell[seed] for cell in cells] for seed in common_seeds(cells)], dtype=float)


def moments(cells: Sequence[Errors], weights: Array, *, paired: bool) -> Moments:
    """Of each contrast of `weights` [W, cells]; NaN where a spread is not known. Every cell has a seed, and
    where `paired` they have one in common."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _paired(matrix(cells), weights) if paired else _independent(cells, weights)


def _paired(errors: Array, weights: Array) -> Moments:
    values, n, ones = errors @ weights.T, len(errors), np.ones(len(weights))
    sd = values.std(axis=0, ddof=1) if n > 1 else NAN * ones
    return Moments(values.mean(axis=0), sd, sd / math.sqrt(n), (n - 1) * ones, (n - 1) * ones, ones)


def _independent(cells: Sequence[Errors], weights: Array) -> Moments:
    samples = [np.array(list(cell.values()), dtype=float) for cell in cells]
    n = np.array([x.size for x in samples])
    variances = np.array([x.var(ddof=1) if x.size > 1 else NAN for x in samples])
    parts = weights**2 * variances  # of one run of each cell
    of_means = parts / n
    variance, total = of_means.sum(axis=1), parts.sum(axis=1)
    return Moments(
        mean=weights @ np.array([x.mean() for x in samples]),
        sd=np.sqrt(total),
        error=np.sqrt(variance),
        df=variance**2 / (of_means**2 / (n - 1)).sum(axis=1),
        sd_df=total**2 / (parts**2 / (n - 1)).sum(axis=1),
        df_per_seed=total**2 / (parts**2).sum(axis=1),
    )
