import math

import numpy as np
import pytest

from analysis.stats.crossover import crossover

SIZES = [2, 4, 8, 16, 32]


def rng():
    return np.random.default_rng(0)


def test_crossover_between_batch_sizes_by_hand():
    d = np.array([[-5.0, -1.0, 0.5, 0.5, 0.5], [-5.0, -2.0, 0.5, 0.5, 0.5]])
    crossing = crossover(SIZES, d, rng())
    # mean −1.5 at 4, +0.5 at 8: three quarters of the way from log₂ 4 to log₂ 8
    assert crossing.estimate == pytest.approx(2**2.75)
    assert crossing.interval.low == pytest.approx(2 ** (2 + 1 / 1.5))  # seed 1 alone
    assert crossing.interval.high == pytest.approx(2 ** (2 + 2 / 2.5))  # seed 2 alone
    assert crossing.n == 2


def test_crossover_at_the_ends():
    assert crossover(SIZES, np.full((3, 5), 0.2), rng()).estimate == 0.0
    everywhere = crossover(SIZES, np.full((3, 5), -0.2), rng())
    assert everywhere.estimate == math.inf
    assert (everywhere.interval.low, everywhere.interval.high) == (math.inf, math.inf)


def test_crossover_with_an_unpaired_seed_and_with_one_seed():
    d = np.array([[-1.0, 1.0], [-3.0, np.nan]])
    crossing = crossover([2, 4], d, rng())
    assert crossing.estimate == pytest.approx(2 ** (1 + 2 / 3))  # means −2 and 1
    one = crossover([2, 4], d[:1], rng())
    assert one.estimate == pytest.approx(2**1.5)
    assert not one.interval.known


def test_crossover_interval_covers_the_truth():
    """A line that crosses at log₂ b = 2.5 in truth; 95% intervals from 12 seeds hold it nearly always."""
    generator, hits, studies = np.random.default_rng(11), 0, 200
    truth = np.log2(SIZES) - 2.5
    for _ in range(studies):
        d = truth + generator.normal(0, 0.5, size=(12, 5))
        crossing = crossover(SIZES, d, generator, resamples=400)
        hits += crossing.interval.low <= 2**2.5 <= crossing.interval.high
    assert hits / studies > 0.88  # the percentile bootstrap is somewhat narrow at n = 12
