import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats import claims
from analysis.stats.cells import cells
from analysis.stats.claims import crossover
from tests.helpers.synthetic import block

SIZES = [2, 4, 8, 16, 32]


def rng():
    return np.random.default_rng(0)


def test_crossover_between_batch_sizes_by_hand():
    d = np.array([[-5.0, -1.0, 0.5, 0.5, 0.5], [-5.0, -2.0, 0.5, 0.5, 0.5]])
    found = crossover(SIZES, d, rng())
    # mean −1.5 at 4, +0.5 at 8: three quarters of the way from log₂ 4 to log₂ 8
    assert found.estimate == pytest.approx(2**2.75)
    assert found.interval.low == pytest.approx(2 ** (2 + 1 / 1.5))  # seed 1 alone
    assert found.interval.high == pytest.approx(2 ** (2 + 2 / 2.5))  # seed 2 alone
    assert found.n == 2


def test_crossover_at_the_ends():
    assert crossover(SIZES, np.full((3, 5), 0.2), rng()).estimate == 0.0
    everywhere = crossover(SIZES, np.full((3, 5), -0.2), rng())
    assert everywhere.estimate == math.inf
    assert (everywhere.interval.low, everywhere.interval.high) == (math.inf, math.inf)


def test_crossover_with_an_unpaired_seed_and_with_one_seed():
    d = np.array([[-1.0, 1.0], [-3.0, np.nan]])
    found = crossover([2, 4], d, rng())
    assert found.estimate == pytest.approx(2 ** (1 + 2 / 3))  # means −2 and 1
    one = crossover([2, 4], d[:1], rng())
    assert one.estimate == pytest.approx(2**1.5)
    assert not one.interval.known


def test_crossover_interval_covers_the_truth():
    """A line that crosses at log₂ b = 2.5 in truth; 95% intervals from 12 seeds hold it nearly always."""
    generator, hits, studies = np.random.default_rng(11), 0, 200
    truth = np.log2(SIZES) - 2.5
    for _ in range(studies):
        d = truth + generator.normal(0, 0.5, size=(12, 5))
        found = crossover(SIZES, d, generator, resamples=400)
        hits += found.interval.low <= 2**2.5 <= found.interval.high
    assert hits / studies > 0.88  # the percentile bootstrap is somewhat narrow at n = 12


@pytest.fixture
def two_lines(sweep):
    trials = block(batch_size=SIZES, seeds=5) + block(norm="gn", groups=8, batch_size=SIZES, seeds=5)
    return cells(load(sweep(trials, epochs=60)))


def test_rise_is_the_paired_difference_of_the_ends(two_lines):
    rise = claims.rises(two_lines)[0]
    ends = [next(c for c in two_lines if c.line == rise.line and c.batch_size == b).last for b in (2, 32)]
    d = [ends[0][s] - ends[1][s] for s in range(1, 6)]
    assert rise.summary.mean == pytest.approx(np.mean(d))
    low, high = scipy_stats.t.interval(0.95, 4, np.mean(d), scipy_stats.sem(d))
    assert (rise.summary.interval.low, rise.summary.interval.high) == pytest.approx((low, high))


def test_gn_is_constant_within_a_point_and_bn_is_not(two_lines):
    bn, gn = claims.constancy(two_lines)
    assert gn.test.shown
    assert not bn.test.shown
    assert bn.worst[0] == 2
    assert not claims.constancy(two_lines, margin=0.05)[1].test.shown  # nobody shows sameness this close


def test_constancy_needs_every_pair(two_lines):
    """The p of the whole is the largest of the ten pairs'."""
    gn = [c for c in two_lines if c.line.norm == "gn"]
    ps = []
    for a in gn:
        for b in gn:
            if a.batch_size < b.batch_size:
                d = [a.last[s] - b.last[s] for s in a.last]
                ps.append(max(scipy_stats.ttest_1samp(d, -1, alternative="greater").pvalue,
                              scipy_stats.ttest_1samp(d, 1, alternative="less").pvalue))  # fmt: skip
    assert claims.constancy(gn)[0].test.p == pytest.approx(max(ps), rel=1e-9)
