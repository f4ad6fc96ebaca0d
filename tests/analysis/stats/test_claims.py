import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats import claims
from analysis.stats.cells import cells
from analysis.stats.choices import Choices, Margin
from tests.helpers.synthetic import block, write_sweep

SIZES = [2, 4, 8, 16, 32]
PAIRED = Choices(paired=True)


@pytest.fixture(scope="module")
def two_lines(tmp_path_factory):
    trials = block(batch_size=SIZES, seeds=5) + block(norm="gn", groups=8, batch_size=SIZES, seeds=5)
    return cells(load(write_sweep(str(tmp_path_factory.mktemp("two") / "lines"), trials, epochs=60)))


def test_rise_is_the_paired_difference_of_the_ends(two_lines):
    rise = claims.rises(two_lines, PAIRED)[0]
    ends = [next(c for c in two_lines if c.line == rise.line and c.x == b).last for b in (2, 32)]
    d = [ends[0][s] - ends[1][s] for s in range(1, 6)]
    assert rise.estimate.mean == pytest.approx(np.mean(d))
    low, high = scipy_stats.t.interval(0.95, 4, np.mean(d), scipy_stats.sem(d))
    assert (rise.estimate.interval.low, rise.estimate.interval.high) == pytest.approx((low, high))


def test_gn_is_constant_within_a_point_and_bn_is_not(two_lines):
    bn, gn = claims.constancy(two_lines, PAIRED)
    assert gn.test.shown
    assert not bn.test.shown
    assert bn.worst[0] == 2
    close = Choices(margin=Margin(0.05, chosen=True), paired=True)
    assert not claims.constancy(two_lines, close)[1].test.shown  # nobody shows sameness this close


def test_constancy_needs_every_pair(two_lines):
    """The p of the whole is the largest of the ten pairs'."""
    gn = [c for c in two_lines if c.line.norm == "gn"]
    ps = []
    for a in gn:
        for b in gn:
            if a.x < b.x:
                d = [a.last[s] - b.last[s] for s in a.last]
                ps.append(max(scipy_stats.ttest_1samp(d, -1, alternative="greater").pvalue,
                              scipy_stats.ttest_1samp(d, 1, alternative="less").pvalue))  # fmt: skip
    assert claims.constancy(gn, PAIRED)[0].test.p == pytest.approx(max(ps), rel=1e-9)


def test_a_rise_of_independent_runs_is_welchs(two_lines):
    rise = claims.rises(two_lines, Choices(paired=False))[0]
    ends = [next(c for c in two_lines if c.line == rise.line and c.x == b).last for b in (2, 32)]
    expected = scipy_stats.ttest_ind(*(list(e.values()) for e in ends), equal_var=False)
    assert rise.estimate.p == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval()
    assert (rise.estimate.interval.low, rise.estimate.interval.high) == pytest.approx((low, high))
    assert rise.at_least == pytest.approx(low)


def test_a_relative_margin_is_a_share_of_the_error_at_the_largest_batch(two_lines):
    _, gn = claims.constancy(two_lines, Choices(margin=Margin(5, relative=True, chosen=True), paired=True))
    largest = next(c for c in two_lines if c.line == gn.line and c.x == 32)
    assert gn.test.margin == pytest.approx(0.05 * np.mean(list(largest.last.values())))
    assert gn.reference == pytest.approx(np.mean(list(largest.last.values())))


def test_the_smallest_margin_is_that_of_the_hardest_pair(two_lines):
    """Chosen as the margin, every pair passes; a little less, and one does not."""
    gn = claims.constancy(two_lines, PAIRED)[1]
    for factor, shown in ((1.01, True), (0.99, False)):
        margin = Margin(factor * gn.test.reach, chosen=True)
        assert claims.constancy(two_lines, Choices(margin=margin, paired=True))[1].test.shown is shown
