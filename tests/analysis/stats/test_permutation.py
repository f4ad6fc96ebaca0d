import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis.stats import permutation
from analysis.stats.estimate import of_pairs
from analysis.stats.multiplicity import holm

D = np.array([-5.1, -5.9, -4.8, -6.2, -5.3])
MIXED = np.array([0.4, -0.2, 0.7, 0.3, -0.1, 0.5, 0.2])


@pytest.mark.parametrize("x", [D, MIXED])
def test_sign_flip_against_scipy(x):
    expected = scipy_stats.permutation_test(
        (x, np.zeros_like(x)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert permutation.sign_flip(x) == pytest.approx(expected.pvalue, abs=1e-12)


def test_sign_flip_by_hand():
    # Sums of ±1 ±2 ±4: ±7, ±5, ±3, ±1. As extreme as 5 (= -1 + 2 + 4): ±7 and ±5, 4 of 8.
    assert permutation.sign_flip([-1, 2, 4]) == pytest.approx(4 / 8)
    assert permutation.sign_flip([0.1, 0.1, 0.1]) == pytest.approx(2 / 8)  # ties survive rounding
    assert permutation.sign_flip([0.0, 0.0]) == 1.0
    assert math.isnan(permutation.sign_flip([]))


def test_five_seeds_cannot_pass_the_sign_flip_test():
    assert permutation.smallest_p(5) == 1 / 16
    assert permutation.sign_flip(D) == 1 / 16
    assert permutation.smallest_p(6) == 1 / 32
    assert permutation.smallest_p(1025) == 2.0**-1024, "where 2**n is no float any more"
    assert permutation.smallest_p(10_000) == 0
    assert permutation.fewest_seeds() == 6  # 1/32 < 0.05 < 1/16
    assert permutation.fewest_seeds(3) == 7  # 3/64 < 0.05 < 3/32
    assert permutation.fewest_seeds(5) == 8  # 5/128 < 0.05 < 5/64
    assert min(holm([permutation.smallest_p(7)] * 5)) > 0.05 > min(holm([permutation.smallest_p(8)] * 5))


def test_sign_flip_of_many_pairs_is_sampled_with_the_generator():
    x = np.random.default_rng(3).normal(0.35, 1, size=25)
    a = permutation.sign_flip(x, np.random.default_rng(1))
    assert a == permutation.sign_flip(x, np.random.default_rng(1))
    assert a == pytest.approx(of_pairs(x).p, abs=0.02)  # near normal: the tests nearly agree
    assert permutation.sign_flip(np.ones(30)) > 0


def welch(a, b, axis):
    return np.abs(scipy_stats.ttest_ind(a, b, equal_var=False, axis=axis).statistic)


@pytest.mark.parametrize("sizes", [(5, 5), (3, 6), (4, 3)])
def test_permutation_of_independent_runs_against_scipy(sizes):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(0.6, 1, sizes[0]), rng.normal(0, 0.4, sizes[1])
        expected = scipy_stats.permutation_test(
            (a, b), welch, vectorized=True, n_resamples=np.inf, alternative="greater"
        )
        assert permutation.exchange(a, b) == pytest.approx(expected.pvalue, abs=1e-12)


def test_the_smallest_p_of_independent_runs():
    low, high = [1.0, 1.1, 1.3, 1.2, 1.05], [9.0, 9.1, 9.3, 9.25, 9.05]
    assert permutation.exchange(low, high) == permutation.smallest_p(5, 5) == 2 / 252
    assert permutation.exchange(low, high[:4]) == permutation.smallest_p(5, 4) == 1 / 126
    assert permutation.exchange([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == 2 / 20  # ties, and no spread at all
    assert permutation.exchange([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert math.isnan(permutation.exchange([1.0], [2.0, 3.0]))
    assert permutation.fewest_seeds(paired=False) == 4  # 2/70 < 0.05 < 2/20
    assert permutation.fewest_seeds(5, paired=False) == 5  # 10/252 < 0.05 < 10/70


def test_many_independent_runs_are_sampled_with_the_generator():
    rng = np.random.default_rng(5)
    a, b = rng.normal(0.5, 1, 15), rng.normal(0, 1, 15)
    p = permutation.exchange(a, b, np.random.default_rng(1))
    assert p == permutation.exchange(a, b, np.random.default_rng(1))
    assert p == pytest.approx(scipy_stats.ttest_ind(a, b, equal_var=False).pvalue, abs=0.02)
