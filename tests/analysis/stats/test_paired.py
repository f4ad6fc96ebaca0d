import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats import paired

D = np.array([-5.1, -5.9, -4.8, -6.2, -5.3])
MIXED = np.array([0.4, -0.2, 0.7, 0.3, -0.1, 0.5, 0.2])


@pytest.mark.parametrize("x", [D, MIXED])
def test_t_against_scipy(x):
    assert paired.t_test(x) == pytest.approx(scipy_stats.ttest_1samp(x, 0).pvalue, rel=1e-10)


@pytest.mark.parametrize("x", [D, MIXED])
def test_sign_flip_against_scipy(x):
    expected = scipy_stats.permutation_test(
        (x, np.zeros_like(x)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert paired.sign_flip(x) == pytest.approx(expected.pvalue, abs=1e-12)


def test_sign_flip_by_hand():
    # Sums of ±1 ±2 ±4: ±7, ±5, ±3, ±1. As extreme as 5 (= -1 + 2 + 4): ±7 and ±5, 4 of 8.
    assert paired.sign_flip([-1, 2, 4]) == pytest.approx(4 / 8)
    assert paired.sign_flip([0.1, 0.1, 0.1]) == pytest.approx(2 / 8)  # ties survive rounding
    assert paired.sign_flip([0.0, 0.0]) == 1.0
    assert math.isnan(paired.sign_flip([]))


def test_five_seeds_cannot_pass_the_sign_flip_test():
    assert paired.smallest_p(5) == 1 / 16
    assert paired.sign_flip(D) == 1 / 16
    assert paired.smallest_p(6) == 1 / 32
    assert paired.smallest_p(1025) == 2.0**-1024, "where 2**n is no float any more"
    assert paired.smallest_p(10_000) == 0
    assert paired.fewest_pairs() == 6  # 1/32 < 0.05 < 1/16
    assert paired.fewest_pairs(3) == 7  # 3/64 < 0.05 < 3/32
    assert paired.fewest_pairs(5) == 8  # 5/128 < 0.05 < 5/64
    assert min(paired.holm([paired.smallest_p(7)] * 5)) > 0.05 > min(paired.holm([paired.smallest_p(8)] * 5))


def test_sign_flip_of_many_pairs_is_sampled_with_the_generator():
    x = np.random.default_rng(3).normal(0.35, 1, size=25)
    a = paired.sign_flip(x, np.random.default_rng(1))
    assert a == paired.sign_flip(x, np.random.default_rng(1))
    assert a == pytest.approx(paired.t_test(x), abs=0.02)  # near normal: the tests nearly agree
    assert paired.sign_flip(np.ones(30)) > 0


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04, made monotone.
    assert paired.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert paired.holm([0.5, 0.6]) == [1.0, 1.0]
    adjusted = paired.holm([0.01, float("nan"), 0.03])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])
    assert paired.decide([0.049, 0.051, float("nan")]) == [True, False, False]


def test_effect_size_by_hand():
    x = [1.0, 2.0, 3.0, 6.0]
    j = math.gamma(3 / 2) / (math.gamma(1.0) * math.sqrt(3 / 2))  # Hedges 1981, exact, df = 3
    assert paired.effect_size(x) == pytest.approx(3.0 / np.std(x, ddof=1) * j)
    assert math.isnan(paired.effect_size([1.0]))
    assert math.isnan(paired.effect_size([1.0, 1.0]))


@pytest.mark.parametrize("x", [D + 5, MIXED])
@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_equivalence_against_two_one_sided_tests(x, margin):
    test = paired.equivalence(x, margin)
    low = scipy_stats.ttest_1samp(x, -margin, alternative="greater").pvalue
    high = scipy_stats.ttest_1samp(x, margin, alternative="less").pvalue
    assert test.p == pytest.approx(max(low, high), rel=1e-9)
    interval = scipy_stats.t.interval(0.9, len(x) - 1, x.mean(), scipy_stats.sem(x))
    assert (test.interval.low, test.interval.high) == pytest.approx(interval)
    # the two ways of saying it agree: p < 0.05 exactly where the 90% interval lies within the margin
    assert test.shown == (-margin < test.interval.low and test.interval.high < margin)


def test_one_pair_shows_nothing():
    assert math.isnan(paired.t_test([1.0]))
    assert not paired.equivalence([0.0], 1.0).shown
