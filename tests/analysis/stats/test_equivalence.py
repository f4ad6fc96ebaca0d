import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import ttost_ind

from analysis.stats.equivalence import EQUIVALENCE_CI, equivalence
from analysis.stats.estimate import contrast, of_pairs

D = np.array([-0.1, -0.9, 0.2, -1.2, -0.3])
MIXED = np.array([0.4, -0.2, 0.7, 0.3, -0.1, 0.5, 0.2])


@pytest.mark.parametrize("x", [D, MIXED])
@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_pairs_against_two_one_sided_tests(x, margin):
    test = equivalence(of_pairs(x), margin)
    low = scipy_stats.ttest_1samp(x, -margin, alternative="greater").pvalue
    high = scipy_stats.ttest_1samp(x, margin, alternative="less").pvalue
    assert test.p == pytest.approx(max(low, high), rel=1e-9)
    interval = scipy_stats.t.interval(0.9, len(x) - 1, x.mean(), scipy_stats.sem(x))
    assert (test.interval.low, test.interval.high) == pytest.approx(interval)
    # the two ways of saying it agree: p < 0.05 exactly where the 90% interval lies within the margin
    assert test.shown == (-margin < test.interval.low and test.interval.high < margin)


def test_independent_runs_against_statsmodels():
    a, b = [13.5, 13.8, 13.7, 14.4], [13.4, 13.6, 13.3]
    for margin in (0.5, 1.5):
        expected = ttost_ind(np.array(a), np.array(b), -margin, margin, usevar="unequal")[0]
        ours = contrast([dict(enumerate(a)), dict(enumerate(b))], (1, -1), paired=False)
        assert equivalence(ours, margin).p == pytest.approx(expected)


def test_the_smallest_margin_that_passes():
    reach = equivalence(of_pairs(D), 1.0).reach
    assert equivalence(of_pairs(D), reach).p == pytest.approx(0.05)
    assert equivalence(of_pairs(D), 1.001 * reach).shown
    assert not equivalence(of_pairs(D), 0.999 * reach).shown


def test_the_interval_is_that_of_the_two_tests():
    assert EQUIVALENCE_CI == "90% CI"


def test_one_pair_shows_nothing():
    assert math.isnan(of_pairs([1.0]).p)
    assert not equivalence(of_pairs([0.0]), 1.0).shown
