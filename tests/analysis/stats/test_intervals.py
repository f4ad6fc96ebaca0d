import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats.intervals import bca_coverage, bca_interval, interval

VALUES = np.array([13.51, 13.85, 13.69, 13.89, 14.88, 13.2, 13.4, 15.1])


def test_bca_against_scipy():
    """Scipy draws what we enumerate: they agree to the error of 200,000 resamples."""
    expected = scipy_stats.bootstrap(
        (VALUES,), np.mean, n_resamples=200_000, method="BCa", random_state=np.random.default_rng(1)
    ).confidence_interval
    ours = bca_interval(VALUES, np.random.default_rng(2))
    assert ours.low == pytest.approx(expected.low, abs=0.01)
    assert ours.high == pytest.approx(expected.high, abs=0.01)


def test_up_to_eight_values_nothing_is_left_to_chance():
    a, b = (bca_interval(VALUES, np.random.default_rng(seed)) for seed in (5, 6))
    assert a == b


def test_the_same_generator_gives_the_same_numbers():
    many = np.concatenate([VALUES, VALUES + 0.1])
    a, b, c = (bca_interval(many, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert a == b
    assert a != c


def test_bca_of_three_by_hand():
    """The 27 resamples of 0, 1, 5 as they are, without multisets."""
    x = np.array([0.0, 1.0, 5.0])
    means = np.array([np.mean(draw) for draw in itertools.product(x, repeat=3)])
    below = (means < 2).mean() + (np.abs(means - 2) < 1e-12).mean() / 2
    bias = scipy_stats.norm.ppf(below)
    jackknife = np.array([3.0, 2.5, 0.5])
    apart = jackknife.mean() - jackknife
    acceleration = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5)
    ends = []
    for z in scipy_stats.norm.ppf([0.025, 0.975]):
        ends.append(scipy_stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))))
    expected = [
        np.quantile(means, ends[0], method="inverted_cdf"),
        np.quantile(means, ends[1], method="inverted_cdf"),
    ]
    ours = bca_interval(x, np.random.default_rng(0))
    assert [ours.low, ours.high] == pytest.approx(expected)


@pytest.mark.parametrize("n", [3, 5, 8, 12])
def test_bca_of_accuracy_mirrors_that_of_error(n):
    for x in np.random.default_rng(1).normal(13, 1, size=(50, n)).round(2):  # rounded: resamples tie
        error, accuracy = interval(x, "bca"), interval(100 - x, "bca")
        assert (accuracy.low, accuracy.high) == pytest.approx((100 - error.high, 100 - error.low))


def test_the_coverage_of_bca_is_that_of_the_nearest_number_below():
    assert bca_coverage(5) == bca_coverage(5, 0.95) < bca_coverage(9) == bca_coverage(8) < bca_coverage(200)
    assert bca_coverage(2) is None
    assert bca_coverage(5, 0.8) is None


def test_degenerate_samples():
    assert not bca_interval([1.0], np.random.default_rng(0)).known
    assert not bca_interval([2.0, 2.0, 2.0], np.random.default_rng(0)).known


def test_kinds_by_hand():
    x = [1.0, 2.0, 3.0, 6.0]
    sd = np.std(x, ddof=1)
    assert interval(x, "sd").low == pytest.approx(3 - sd)
    assert interval(x, "sd").high == pytest.approx(3 + sd)
    assert (interval(x, "range").low, interval(x, "range").high) == (1.0, 6.0)
    assert not interval([1.0], "range").known
    with pytest.raises(ValueError, match="unknown kind"):
        interval(x, "ci")
