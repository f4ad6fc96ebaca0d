"""Both ways of comparing, against scipy and against sums done by hand."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats.estimate import contrast, of_pairs

D = np.array([-5.1, -5.9, -4.8, -6.2, -5.3])
MIXED = np.array([0.4, -0.2, 0.7, 0.3, -0.1, 0.5, 0.2])
A, B = [13.5, 13.8, 13.7, 14.4], [12.9, 13.1, 13.0]


def cell(values):
    return dict(enumerate(values, start=1))


@pytest.mark.parametrize("x", [D, MIXED])
def test_pairs_against_scipy(x):
    expected = scipy_stats.ttest_1samp(x, 0)
    ours = of_pairs(x)
    assert ours.p == pytest.approx(expected.pvalue, rel=1e-10)
    interval = expected.confidence_interval(0.9)
    assert (ours.at(0.9).low, ours.at(0.9).high) == pytest.approx((interval.low, interval.high))
    assert ours.n == (len(x),)


def test_independent_runs_against_scipys_welch():
    expected = scipy_stats.ttest_ind(A, B, equal_var=False)
    ours = contrast([cell(A), cell(B)], (1, -1), paired=False)
    assert ours.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert ours.df == pytest.approx(expected.df)
    interval = expected.confidence_interval()
    assert (ours.interval.low, ours.interval.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert ours.n == (4, 3)
    assert ours.sd == pytest.approx(math.sqrt(np.var(A, ddof=1) + np.var(B, ddof=1)))


@pytest.mark.parametrize("value", [-0.5, 0.0, 0.4, 1.3])
def test_one_sided_tests_against_scipy(value):
    ours = contrast([cell(A), cell(B)], (1, -1), paired=False)
    above = scipy_stats.ttest_ind(np.array(A) - value, B, equal_var=False, alternative="greater").pvalue
    assert ours.p_above(value) == pytest.approx(above, rel=1e-9)
    assert ours.p_below(value) == pytest.approx(1 - above, rel=1e-9)


def test_a_contrast_of_four_cells_by_hand():
    """(1 − 3) − (2 − 5) with variances 1, 4, 9, 0.25 of 3, 4, 5 and 6 runs: u = 1/3, 1, 9/5, 1/24."""
    shapes = [(1.0, 1.0, 3), (3.0, 4.0, 4), (2.0, 9.0, 5), (5.0, 0.25, 6)]
    cells = []
    for mean, variance, n in shapes:
        x = np.arange(n) - (n - 1) / 2
        cells.append(cell(mean + x * math.sqrt(variance / x.var(ddof=1))))
    ours = contrast(cells, (1, -1, -1, 1), paired=False)
    assert ours.mean == pytest.approx(1.0)
    variance = 1 / 3 + 1 + 9 / 5 + 1 / 24  # 3.175
    assert ours.error == pytest.approx(math.sqrt(variance))
    df = variance**2 / ((1 / 3) ** 2 / 2 + 1**2 / 3 + (9 / 5) ** 2 / 4 + (1 / 24) ** 2 / 5)
    assert ours.df == pytest.approx(df) == pytest.approx(8.406, abs=0.001)
    half = scipy_stats.t.ppf(0.975, df) * math.sqrt(variance)
    assert ours.interval.high == pytest.approx(1.0 + half)
    # 14.25 is the variance of one run of each: its degrees of freedom, and what one more seed each adds
    assert ours.sd == pytest.approx(math.sqrt(14.25))
    assert ours.sd_df == pytest.approx(14.25**2 / (1 / 2 + 16 / 3 + 81 / 4 + 0.0625 / 5))
    assert ours.df_per_seed == pytest.approx(14.25**2 / (1 + 16 + 81 + 0.0625))


def test_pairs_of_four_cells_are_differences_within_a_seed():
    e = np.random.default_rng(1).normal(14, 1, (6, 4))
    cells = [cell(column) for column in e.T]
    del cells[2][4]  # a seed that one cell lacks has no contrast
    expected = np.delete(e[:, 0] - e[:, 1] - e[:, 2] + e[:, 3], 3)
    ours = contrast(cells, (1, -1, -1, 1), paired=True)
    assert ours.n == (5,)
    assert ours.p == pytest.approx(scipy_stats.ttest_1samp(expected, 0).pvalue)


@pytest.mark.parametrize("paired", [True, False])
def test_too_few_runs_have_a_mean_and_no_interval(paired):
    for ours, theirs in ((A[:2], B[:2]), ([1.0, 1.0, 1.0], [3.0, 3.0, 3.0]), ([1.0], [2.0])):
        e = contrast([cell(ours), cell(theirs)], (1, -1), paired=paired)
        assert e.mean == pytest.approx(np.mean(ours) - np.mean(theirs))
        assert not e.interval.known, "no spread is no certainty"
        assert math.isnan(e.p)
    assert not contrast([cell(A), {}], (1, -1), paired=paired).exists
    assert not contrast([{1: 1.0}, {2: 1.0}], (1, -1), paired=True).exists
