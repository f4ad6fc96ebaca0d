import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import load
from analysis.stats.summary import best_groups, summary, t_interval
from model.errors import InputError
from tests.helpers.synthetic import block

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
    found = t_interval(VALUES, 0.9)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)


def test_one_value_has_a_mean_and_no_interval():
    s = summary([13.5])
    assert (s.n, s.mean, s.median) == (1, 13.5, 13.5)
    assert math.isnan(s.sd)
    assert not s.interval.known


def test_no_value_has_nothing():
    s = summary([])
    assert s.n == 0
    assert math.isnan(s.mean)


def test_nan_is_never_averaged_away():
    with pytest.raises(ValueError, match="finite"):
        summary([1.0, float("nan")])


GSEARCH = {"norm": "gn", "groups": [8, 4, 2], "holdout": 5000}


def test_best_groups_is_the_lowest_mean_validation_error(sweep):
    errors = {8: 12.4, 4: 12.0, 2: 14.0}
    trials = block(**GSEARCH) + block(norm="gn", groups=2)  # a test trial of G = 2 must not count
    url = sweep(trials, error=lambda t: errors[t.groups] if t.holdout else 1.0)
    assert best_groups(load(url)) == 4


@pytest.mark.parametrize("state", ["missing", "failed", "partial"])
def test_an_unfinished_search_is_an_error(sweep, state):
    url = sweep(block(**GSEARCH), status=lambda t: state if (t.groups, t.seed) == (2, 3) else "done")
    with pytest.raises(InputError, match="1 of 9 trials have no result"):
        best_groups(load(url))


def test_a_g_that_diverged_cannot_win(sweep):
    errors = {8: 12.4, 4: 12.0, 2: 14.0}
    url = sweep(
        block(**GSEARCH),
        error=lambda t: errors[t.groups],
        status=lambda t: "diverged" if (t.groups, t.seed) == (4, 1) else "done",
    )
    assert best_groups(load(url)) == 8


def test_no_search_and_two_searches_are_errors(sweep):
    with pytest.raises(InputError, match="no G search"):
        best_groups(load(sweep(block(norm="gn", groups=8))))
    two = block(**GSEARCH) + block(**{**GSEARCH, "batch_size": 16})
    with pytest.raises(InputError, match="more than one G search"):
        best_groups(load(sweep(two, folder="two")))
