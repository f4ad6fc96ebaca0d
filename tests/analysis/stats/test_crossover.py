import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats import crossover as module
from tests.helpers.coverage import by_size

SIZES = [2, 4, 8, 16, 32]


def crossover(sizes, differences):
    """Of pairs that differ by `differences` [seeds, batch sizes], NaN where one is missing."""
    d = np.asarray(differences, dtype=float)
    return module.crossover(sizes, by_size(d + 14.0), by_size(np.full(d.shape, 14.0)), paired=True)


D = np.random.default_rng(4).normal(0, 0.3, size=(5, 5)) + np.log2(SIZES) - 2.6


def test_the_estimate_by_hand():
    d = np.array([[-5.0, -1.0, 0.5, 0.5, 0.5], [-5.0, -2.0, 0.5, 0.5, 0.5]])
    # mean −1.5 at 4, +0.5 at 8: three quarters of the way from log₂ 4 to log₂ 8
    assert crossover(SIZES, d).estimate == pytest.approx(2**2.75)
    assert [e.n for e in crossover(SIZES, d).differences] == [(2,)] * 5
    assert math.isnan(crossover(SIZES, d).interval.low), "two seeds are too few"


def test_the_interval_is_what_the_t_test_does_not_exclude():
    """At each end scipy's p of the seeds' interpolated differences is 0.05."""
    crossing = crossover(SIZES, D)
    for end in (crossing.interval.low, crossing.interval.high):
        values = [np.interp(math.log2(end), np.log2(SIZES), row) for row in D]
        assert scipy_stats.ttest_1samp(values, 0).pvalue == pytest.approx(0.05, abs=0.001)
    assert crossing.interval.low < crossing.estimate < crossing.interval.high


def test_between_two_batch_sizes_it_is_fiellers():
    """A ratio of means: −a/(b − a) of the way, whose interval has a closed form (Fieller 1954)."""
    d = D[:, 1:4:2]
    a, b = d[:, 0], d[:, 1] - d[:, 0]
    t = scipy_stats.t.ppf(0.975, 4)
    (vaa, vab), (_, vbb) = np.cov(a, b) / 5
    square = [b.mean() ** 2 - t**2 * vbb, 2 * (a.mean() * b.mean() - t**2 * vab), a.mean() ** 2 - t**2 * vaa]
    expected = sorted(2 ** (2 + 2 * np.roots(square)))
    interval = crossover([4, 16], d).interval
    assert (interval.low, interval.high) == pytest.approx(expected, rel=2e-3)


def test_the_ends_of_the_scale():
    noise = np.random.default_rng(0).normal(0, 0.05, size=(4, 5))
    never, always = crossover(SIZES, 0.5 + noise), crossover(SIZES, -0.5 + noise)
    assert (never.estimate, never.interval.low, never.interval.high) == (0, 0, 0)
    assert (always.estimate, always.interval.low, always.interval.high) == (math.inf, math.inf, math.inf)
    nothing = crossover(SIZES, 20 * noise)
    assert (nothing.interval.low, nothing.interval.high) == (0, math.inf)
    assert not nothing.resolved


def test_an_unpaired_seed_counts_where_it_is_paired():
    d = np.array([[-1.0, 1.0], [-3.0, np.nan], [-1.4, 1.2], [-1.1, 0.9]])
    crossing = crossover([2, 4], d)
    assert crossing.estimate == pytest.approx(2 ** (1 + 1.625 / (1.625 + 3.1 / 3)))
    assert 2 < crossing.interval.low < crossing.estimate
    assert crossing.interval.high == crossing.estimate, "the others alone would end at 3.0"


def test_a_batch_size_without_spread_excludes_nothing():
    d = np.array([[-1.0, 1.0], [-1.0, 1.2], [-1.0, 0.9]])
    assert crossover([2, 4], d).interval.low == 0


def test_of_independent_runs_it_is_what_welchs_test_does_not_exclude():
    """At each end scipy's p of the interpolated contrast is 0.05: its parts and degrees of freedom by hand."""
    rng = np.random.default_rng(11)
    ours, theirs = rng.normal([11.0, 14.1, 16.5], 0.2, (6, 3)), rng.normal(14, 0.6, (5, 3))
    sizes = [2, 8, 32]
    interval = module.crossover(sizes, by_size(ours), by_size(theirs), paired=False).interval
    for end in (interval.low, interval.high):
        at = np.interp(math.log2(end), np.log2(sizes), [0, 1, 2])
        below = min(int(at), 1)
        weights = np.array([1 - (at - below), at - below])
        pair = slice(below, below + 2)
        mean = (ours[:, pair].mean(axis=0) - theirs[:, pair].mean(axis=0)) @ weights
        parts = np.concatenate(
            [
                weights**2 * ours[:, pair].var(axis=0, ddof=1) / 6,
                weights**2 * theirs[:, pair].var(axis=0, ddof=1) / 5,
            ]
        )
        df = parts.sum() ** 2 / (parts**2 / [5, 5, 4, 4]).sum()
        p = 2 * scipy_stats.t.sf(abs(mean) / math.sqrt(parts.sum()), df)
        assert p == pytest.approx(0.05, abs=0.001)
