import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from analysis.stats import power


@pytest.mark.parametrize(("n", "sd", "effect"), [(5, 1.0, 1.0), (10, 1.0, 0.5), (4, 0.3, 0.5)])
def test_power_against_simulation(n, sd, effect):
    draws = np.random.default_rng(7).normal(effect, sd, size=(100_000, n))
    rejected = (scipy_stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean()
    assert power.t_power(n, sd, effect) == pytest.approx(rejected, abs=4 * math.sqrt(0.25 / 100_000))


@pytest.mark.parametrize(("n", "effect"), [(2, 0.5), (5, 1.3), (30, 0.4), (150, 0.2)])
def test_power_against_the_noncentral_t(n, effect):
    critical, nct = scipy_stats.t.ppf(0.975, n - 1), scipy_stats.nct(n - 1, effect * math.sqrt(n))
    assert power.t_power(n, 1.0, effect) == pytest.approx(nct.sf(critical) + nct.cdf(-critical), abs=1e-5)


def test_power_far_out_is_one():
    assert power.t_power(1000, 0.01, 5.0) == 1.0


def test_seeds_are_the_fewest_that_are_enough():
    n = power.seeds_for_half_width(0.5, 0.3)
    half = [scipy_stats.t.ppf(0.975, k - 1) * 0.5 / math.sqrt(k) for k in (n - 1, n)]
    assert half[0] > 0.3 >= half[1]
    n = power.seeds_for_power(0.5, 0.5, 0.8)
    assert power.t_power(n - 1, 0.5, 0.5) < 0.8 <= power.t_power(n, 0.5, 0.5)
    assert power.seeds_for_half_width(0.0, 0.1) == 3  # two give no interval
    assert power.seeds_for_half_width(50.0, 0.1) is None
    assert power.seeds_for_power(float("nan"), 1.0) is None


def test_power_at_the_level_of_one_in_five_against_statsmodels():
    expected = TTestPower().solve_power(effect_size=1.0, alpha=0.01, power=0.8)
    assert power.seeds_for_power(0.5, 0.5, 0.8, alpha=0.05 / 5) == math.ceil(expected) == 16
    assert power.seeds_for_power(0.5, 0.5, 0.8) == 10


def test_runs_of_each_norm_against_statsmodels_where_variances_are_alike():
    """Two degrees of freedom more for one run more of each; the sd of a difference is √2 times a run's."""
    expected = TTestIndPower().solve_power(effect_size=1.5, alpha=0.01, power=0.8)
    sd = 0.4 * math.sqrt(2)
    assert power.seeds_for_power(sd, 0.6, 0.8, alpha=0.01, per_seed=2) == math.ceil(expected)


def test_power_of_welchs_test_by_simulation():
    """One norm's sd twice the other's, six runs each."""
    generator, studies = np.random.default_rng(3), 40_000
    a, b = generator.normal(0.7, 0.8, (studies, 6)), generator.normal(0, 0.4, (studies, 6))
    rejected = (scipy_stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < 0.05).mean()
    per_seed = (0.64 + 0.16) ** 2 / (0.64**2 + 0.16**2)
    ours = power.t_power(6, math.sqrt(0.64 + 0.16), 0.7, per_seed=per_seed)
    assert ours == pytest.approx(
        rejected, abs=0.015
    )  # its degrees of freedom are estimated, and differ by study


def test_the_interval_of_an_sd_by_simulation_and_by_hand():
    low, high = power.sd_interval(2.0, 4)
    assert low == pytest.approx(2 * math.sqrt(4 / scipy_stats.chi2.ppf(0.975, 4)))
    assert high == pytest.approx(2 * math.sqrt(4 / scipy_stats.chi2.ppf(0.025, 4)))
    sds = np.random.default_rng(1).normal(0, 3, size=(20_000, 4)).std(axis=1, ddof=1)
    held = [low <= 3 <= high for low, high in (power.sd_interval(sd, 3) for sd in sds)]
    assert np.mean(held) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 20_000))
