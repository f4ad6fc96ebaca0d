"""What holds whenever one stops: held against its own integral, and against studies that stop as they please."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from analysis.stats import anytime
from analysis.stats.anytime import EFFECT_SD, Sequential, critical, p_value
from analysis.stats.equivalence import equivalence
from analysis.stats.estimate import contrast
from analysis.stats.intervals import t_interval
from tests.helpers.stopped import excluded, stopped_studies


@pytest.mark.parametrize(("t", "n"), [(0.4, 3), (2.3, 7), (-5.0, 12), (9.0, 4)])
def test_p_is_one_over_the_likelihood_ratio_of_t(t, n):
    """Rouder et al. 2009's integral: noncentral t over effects from the mixture, over Student's t."""

    def weighed(effect):
        return stats.nct.pdf(t, n - 1, effect * math.sqrt(n)) * stats.norm.pdf(effect, 0, EFFECT_SD)

    ratio = integrate.quad(weighed, -15, 15, points=[t / math.sqrt(n)], limit=400)[0] / stats.t.pdf(t, n - 1)
    assert p_value(t, n - 1) == pytest.approx(min(1, 1 / ratio), rel=1e-6)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_interval_ends_where_p_is_what_is_left_over(level):
    for n in (5, 8, 30):
        assert p_value(float(critical(level, n - 1)), n - 1) == pytest.approx(1 - level)


def test_wider_than_students_and_three_seeds_are_enough():
    for n in (3, 5, 10, 50):
        assert critical(0.95, n - 1) > stats.t.ppf(0.975, n - 1)
    assert math.isfinite(critical(0.95, 2))
    assert math.isinf(critical(0.99, 2))


def sequential(values):
    return Sequential(enumerate(values))


def test_what_is_made_of_such_cells_is_so_too():
    ours, theirs = sequential([12.1, 12.5, 12.2, 12.9]), dict(enumerate([13.0, 13.6, 13.1, 13.5]))
    plain = contrast([dict(ours), theirs], (1, -1), paired=True)
    e = contrast([ours, theirs], (1, -1), paired=True)
    assert e.mean == plain.mean
    assert e.interval.half_width / plain.interval.half_width == pytest.approx(
        critical(0.95, 3) / stats.t.ppf(0.975, 3)
    )
    assert e.p > plain.p
    assert (e.p < 0.05) == (e.interval.high < 0)
    assert (
        t_interval(list(ours.values()), sequential=True).half_width
        > t_interval(list(ours.values())).half_width
    )


def test_between_independent_runs_there_is_none():
    e = contrast([sequential([1.0, 2.0, 3.0, 5.0])] * 2, (1, -1), paired=False)
    assert not e.interval.known


def test_equivalence_reads_the_whole_level():
    x = np.random.default_rng(1).normal(0.1, 0.2, 12)
    test = equivalence(contrast([sequential(x)], (1,), paired=True), 0.4)
    assert test.interval.level == 0.95
    assert test.shown == (test.reach < 0.4)


def test_somebody_who_looks_after_every_seed_is_misled_by_students_and_not_by_this():
    looks = stopped_studies(4_000, most=40, seed=1)
    student = excluded(looks, lambda n: stats.t.ppf(0.975, n - 1))
    assert student.mean() > 0.2, "or the test shows nothing"
    assert excluded(looks, lambda n: critical(0.95, n - 1)).mean() <= 0.05


def test_a_martingale_on_average():
    """E[1/p] of the martingale itself is 1 at every n where the mean is zero; its tail is so heavy that the
    logarithm is compared, with the integral over Student's t."""
    n = 6
    t = np.random.default_rng(2).standard_t(n - 1, 200_000)
    s, u = 1 + n * EFFECT_SD**2, t**2 / (n - 1)
    log = 0.5 * (n * (np.log1p(u) - np.log1p(u / s)) - np.log(s))
    assert np.exp(log).mean() == pytest.approx(1, abs=0.1)
    assert anytime.p_value(float(t[0]), n - 1) == pytest.approx(min(1, math.exp(-log[0])))
