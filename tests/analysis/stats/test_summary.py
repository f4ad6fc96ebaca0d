import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats.intervals import t_interval
from analysis.stats.summary import summary

VALUES = [13.51, 13.85, 13.69, 13.89, 13.88]


def test_summary_against_scipy():
    s = summary(VALUES)
    expected = scipy_stats.t.interval(0.95, 4, np.mean(VALUES), scipy_stats.sem(VALUES))
    assert (s.interval.low, s.interval.high) == pytest.approx(expected, rel=1e-12)
    assert s.mean == pytest.approx(np.mean(VALUES))
    assert s.sd == pytest.approx(np.std(VALUES, ddof=1))
    assert (s.n, s.low, s.median, s.high) == (5, 13.51, 13.85, 13.89)


def test_another_level_against_scipy():
    expected = scipy_stats.t.interval(0.9, 4, np.mean(VALUES), scipy_stats.sem(VALUES))
    interval = t_interval(VALUES, 0.9)
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-12)


def test_one_value_has_a_mean_and_no_interval():
    s = summary([13.5])
    assert (s.n, s.mean, s.median) == (1, 13.5, 13.5)
    assert math.isnan(s.sd)
    assert not s.interval.known


@pytest.mark.parametrize("values", [[54.0, 54.0], [70.0, 87.0], [9.1, 9.1, 9.1], [9.3 - 0.2, 9.2 - 0.1, 9.1]])
def test_two_values_and_values_all_alike_have_no_interval(values):
    assert not summary(values).interval.known


def test_an_interval_is_cut_where_the_mean_cannot_lie():
    s = summary([0.0, 0.1, 1.0], within=(0.0, 100.0))
    low, high = scipy_stats.t.interval(0.95, 2, s.mean, scipy_stats.sem([0.0, 0.1, 1.0]))
    assert low < 0
    assert (s.interval.low, s.interval.high) == (0.0, pytest.approx(high))


def test_no_value_has_nothing():
    s = summary([])
    assert s.n == 0
    assert math.isnan(s.mean)


def test_nan_is_never_averaged_away():
    with pytest.raises(ValueError, match="finite"):
        summary([1.0, float("nan")])
