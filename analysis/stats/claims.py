"""The study's claims as estimates with intervals.

Wu & He (2018) say three things with one figure: below some batch size group norm is better, batch norm's
error rises as batches shrink, and group norm's stays constant. Each is a number here, with how sure the
seeds make us of it; "constant" is tested as equivalence within a margin, because a difference that is not
significant is no proof of sameness.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.cells import Cell, Line
from analysis.stats.paired import Equivalence, equivalence
from analysis.stats.summary import NAN, Interval, Summary, summary

#: Resamples of seeds; the seeds' own number limits what more could tell.
RESAMPLES = 4_999
#: Points of error within which a line counts as constant, unless the reader chooses another.
MARGIN = 1.0


# -- crossover ---------------------------------------------------------------------------------------


class Crossover(NamedTuple):
    """Below `estimate` images a batch, the line beats its base.

    0: it is not better even at the smallest batch size; ∞: it is better at every one. `interval`: 95% by
    bootstrap over seeds, on the same extended scale. `sizes`: the batch sizes compared, small first.
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
    estimate = _turn(x, _column_means(d))
    draws = generator.integers(0, len(d), size=(resamples, len(d)))
    found = [turn for means in _column_means(d[draws]) if not math.isnan(turn := _turn(x, means))]
    known = len(d) > 1 and bool(found)
    # "lower"/"higher" and not "linear": halfway between a batch size and infinity lies nothing
    low = float(np.quantile(found, 0.025, method="lower")) if known else NAN
    high = float(np.quantile(found, 0.975, method="higher")) if known else NAN
    return Crossover(2.0**estimate, Interval(2.0**low, 2.0**high), tuple(sizes), len(d))


def _column_means(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over seeds, the last axis but one, of what is known; NaN where nothing is."""
    known = ~np.isnan(d)
    counts = known.sum(axis=-2)
    sums: NDArray[np.float64] = np.where(known, d, 0.0).sum(axis=-2)
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(sums.shape, NAN), where=counts > 0)
    return means


def _turn(x: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
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


# -- one line over the batch sizes -------------------------------------------------------------------


class Rise(NamedTuple):
    """Error at the smallest batch size minus error at the largest, paired by seed, in points."""

    line: Line
    smallest: int
    largest: int
    summary: Summary


class Constancy(NamedTuple):
    """Whether no two batch sizes differ by `margin` points or more.

    `worst`: the pair of batch sizes that is hardest to call equal. The claim needs every pair's TOST to
    pass, so the largest p is the p of the whole (intersection–union test, Berger 1982).
    """

    line: Line
    smallest: int
    largest: int
    worst: tuple[int, int]
    test: Equivalence


def rises(cells: Sequence[Cell], measure: str = "last") -> list[Rise]:
    """For each line of one panel with two batch sizes or more."""
    found = []
    for line, by_size in _lines(cells, measure).items():
        sizes = sorted(by_size)
        if len(sizes) > 1:
            values = _paired(by_size[sizes[0]], by_size[sizes[-1]])
            found.append(Rise(line, sizes[0], sizes[-1], summary(values)))
    return found


def constancy(cells: Sequence[Cell], margin: float = MARGIN, measure: str = "last") -> list[Constancy]:
    """For each line of one panel with two batch sizes or more."""
    found = []
    for line, by_size in _lines(cells, measure).items():
        tests = [
            Constancy(
                line, min(by_size), max(by_size), (a, b), equivalence(_paired(by_size[a], by_size[b]), margin)
            )
            for a, b in itertools.combinations(sorted(by_size), 2)
        ]
        if tests:
            found.append(max(tests, key=_badness))
    return found


def _badness(c: Constancy) -> tuple[float, float]:
    """Largest p first, and of those that round to the same the interval that reaches farthest; a pair
    without seeds has no p and is the worst of all."""
    reach = max(abs(c.test.interval.low), abs(c.test.interval.high))
    return (math.inf, 0.0) if math.isnan(c.test.p) else (round(c.test.p, 9), reach)


def _lines(cells: Sequence[Cell], measure: str) -> dict[Line, dict[int, Mapping[int, float]]]:
    found: dict[Line, dict[int, Mapping[int, float]]] = {}
    for cell in cells:
        if errors := cell.errors(measure):
            found.setdefault(cell.line, {})[cell.batch_size] = errors
    return found


def _paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    return [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
