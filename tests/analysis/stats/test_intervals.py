import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats.intervals import bca_interval, interval

VALUES = np.array([13.51, 13.85, 13.69, 13.89, 14.88, 13.2, 13.4, 15.1])


def test_bca_against_scipy():
    """Two Monte Carlo estimates of one thing: they agree to the error of 200,000 resamples."""
    expected = scipy_stats.bootstrap(
        (VALUES,), np.mean, n_resamples=200_000, method="BCa", random_state=np.random.default_rng(1)
    ).confidence_interval
    ours = bca_interval(VALUES, np.random.default_rng(2), resamples=200_000)
    assert ours.low == pytest.approx(expected.low, abs=0.01)
    assert ours.high == pytest.approx(expected.high, abs=0.01)


def test_the_same_generator_gives_the_same_numbers():
    a, b, c = (bca_interval(VALUES, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert a == b
    assert a != c


def test_degenerate_samples():
    assert not bca_interval([1.0], np.random.default_rng(0)).known
    constant = bca_interval([2.0, 2.0, 2.0], np.random.default_rng(0))
    assert (constant.low, constant.high) == (2.0, 2.0)


def test_kinds_by_hand():
    x = [1.0, 2.0, 3.0, 6.0]
    sd = np.std(x, ddof=1)
    assert interval(x, "sd").low == pytest.approx(3 - sd)
    assert interval(x, "sd").high == pytest.approx(3 + sd)
    assert (interval(x, "range").low, interval(x, "range").high) == (1.0, 6.0)
    assert not interval([1.0], "range").known
    with pytest.raises(ValueError, match="unknown kind"):
        interval(x, "ci")
