import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats import claims
from analysis.stats.cells import cells
from tests.helpers.synthetic import block

SIZES = [2, 4, 8, 16, 32]


def rng():
    return np.random.default_rng(0)


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
