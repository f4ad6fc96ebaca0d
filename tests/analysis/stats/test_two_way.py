"""Seeds and images as two factors: against an analysis of variance, bootstraps, and variances that are planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from analysis.stats.estimate import of_pairs
from analysis.stats.two_way import mcnemar, uncertainty


def drawn(n, m, generator, *, mean=-1.0, seed=0.3, image=1.5):
    """A network errs where mean + its seed's part + the image's part + noise is above zero [n, m]."""
    parts = mean + seed * generator.normal(size=(n, 1)) + image * generator.normal(size=(1, m))
    return (parts + generator.normal(size=(n, m)) > 0).astype(np.int8)


def truth(mean, seed, image):
    """Of such answers: the mean, and the variance of its seeds' part, its images' part and the rest, by the
    normal distribution of two answers that share a seed or an image."""
    whole = 1 + seed**2 + image**2
    at = mean / np.sqrt(whole)
    p = stats.norm.cdf(at)

    def covariance(shared):
        return stats.multivariate_normal.cdf([at, at], cov=[[1, shared / whole], [shared / whole, 1]]) - p**2

    of_seeds, of_images = covariance(seed**2), covariance(image**2)
    return p, of_seeds, of_images, p * (1 - p) - of_seeds - of_images


@pytest.fixture
def answers():
    generator = np.random.default_rng(0)
    return drawn(4, 30, generator) - drawn(4, 30, generator, mean=-2.0)


def test_the_mean_squares_are_those_of_an_analysis_of_variance(answers):
    n, m = answers.shape
    seeds, images = np.indices(answers.shape)
    table = pd.DataFrame(
        {"y": 100.0 * answers.ravel(), "seed": seeds.ravel(), "image": images.ravel()}, dtype=float
    )
    found = anova_lm(ols("y ~ C(seed) + C(image)", table).fit())
    a, b, c = (found["sum_sq"] / found["df"] / (n * m))[["C(seed)", "C(image)", "Residual"]]
    own = uncertainty(answers)
    assert own.seeds.error**2 == pytest.approx(a)
    assert own.images.error**2 == pytest.approx(b)
    assert own.both.error**2 == pytest.approx(max(a, b, a + b - c))
    assert own.images_alone**2 == pytest.approx(max(0, b - c), abs=1e-9)
    assert own.seeds_alone**2 == pytest.approx(max(0, a - c), abs=1e-9)


def test_over_seeds_it_is_the_interval_of_the_whole_page(answers):
    by_seed = of_pairs(100 * answers.mean(axis=1))
    own = uncertainty(answers).seeds
    assert (own.mean, own.error, own.df) == pytest.approx((by_seed.mean, by_seed.error, by_seed.df))
    assert own.interval.low == pytest.approx(by_seed.interval.low)


def test_bootstraps_by_hand_have_the_same_standard_errors_but_for_what_they_count_twice():
    """Over images, and Owen's pigeonhole bootstrap over both, which has the third part three times."""
    generator = np.random.default_rng(3)
    answers = drawn(8, 200, generator)
    n, m = answers.shape
    own = uncertainty(answers)
    rest = own.images.error**2 - own.images_alone**2
    of_images = 100 * answers.mean(axis=0)
    draws = 20_000
    columns = generator.multinomial(m, [1 / m] * m, size=draws)
    assert np.std(columns @ of_images / m) == pytest.approx(own.images.error * np.sqrt((m - 1) / m), rel=0.02)
    rows = generator.multinomial(n, [1 / n] * n, size=draws)
    both = 100 * ((rows @ answers) * columns).sum(axis=1) / (n * m)
    expected = own.seeds.error**2 * (n - 1) / n + own.images.error**2 * (m - 1) / m
    expected += rest * (n - 1) * (m - 1) / (n * m)
    assert np.var(both) == pytest.approx(expected, rel=0.04)


def test_planted_variances_are_found():
    mean, seed, image, n, m = -1.0, 0.3, 1.5, 5, 200
    p, of_seeds, of_images, rest = truth(mean, seed, image)
    generator = np.random.default_rng(4)
    found = [uncertainty(drawn(n, m, generator, mean=mean, seed=seed, image=image)) for _ in range(600)]
    for own, expected in (
        ([u.seeds.error**2 for u in found], of_seeds / n + rest / (n * m)),
        ([u.images.error**2 for u in found], of_images / m + rest / (n * m)),
        ([u.both.error**2 for u in found], of_seeds / n + of_images / m + rest / (n * m)),
    ):
        assert np.mean(own) == pytest.approx(100**2 * expected, rel=0.1)
    means = [u.both.mean for u in found]
    assert np.mean(means) == pytest.approx(100 * p, abs=4 * np.std(means) / np.sqrt(600))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "m", "mean", "seed", "image"),
    [(3, 400, -1, 0.1, 1), (5, 400, -2, 0.1, 1.5), (5, 400, -1, 0.3, 1.5), (10, 400, -3, 0.02, 2)],
)
def test_the_interval_for_new_images_covers_and_the_one_over_seeds_alone_does_not(n, m, mean, seed, image):
    studies, generator = 1_500, np.random.default_rng(5)
    p = 100 * truth(mean, seed, image)[0]
    found = [uncertainty(drawn(n, m, generator, mean=mean, seed=seed, image=image)) for _ in range(studies)]
    known = [u for u in found if u.both.interval.known]
    assert len(known) > 0.99 * studies
    both, seeds = (
        np.mean([low <= p <= high for low, high in ends])
        for ends in (
            [(u.both.interval.low, u.both.interval.high) for u in known],
            [(u.seeds.interval.low, u.seeds.interval.high) for u in known],
        )
    )
    assert 0.93 <= both <= 0.985
    assert seeds < 0.94


@pytest.mark.slow
def test_the_interval_of_a_difference_covers():
    """Two norms whose networks of a seed share a part, about images that are hard for both."""
    studies, generator, n, m = 1_500, np.random.default_rng(6), 5, 400
    p = 100 * (truth(-1.2, 0.2, 1.0)[0] - truth(-1.0, 0.2, 1.0)[0])
    held = 0
    for _ in range(studies):
        hard, shared = generator.normal(size=(1, m)), generator.normal(size=(n, 1))
        ours, theirs = (
            (mean + 0.2 * shared + hard + generator.normal(size=(n, m)) > 0).astype(np.int8)
            for mean in (-1.2, -1.0)
        )
        interval = uncertainty(ours - theirs).both.interval
        held += interval.low <= p <= interval.high
    assert 0.93 <= held / studies <= 0.985


def test_too_few_or_all_alike_give_no_interval():
    generator = np.random.default_rng(7)
    one = uncertainty(drawn(1, 100, generator))
    assert (one.seeds.interval.known, one.both.interval.known, one.images.interval.known) == (
        False,
        False,
        True,
    )
    assert not uncertainty(drawn(2, 100, generator)).both.interval.known
    for same in (np.zeros((5, 100), np.int8), np.ones((5, 100), np.int8)):
        none = uncertainty(same)
        assert not any(e.interval.known for e in (none.seeds, none.images, none.both))
        assert none.both.mean == 100 * same[0, 0]
    alike = uncertainty(np.tile(drawn(1, 100, generator), (5, 1)))
    assert (alike.seeds.interval.known, alike.both.interval.known) == (False, False)
    assert alike.images_alone == pytest.approx(alike.images.error), "no part of it is the seeds'"
    assert not uncertainty(drawn(5, 1, generator)).both.interval.known


@pytest.mark.parametrize("differs", [0.0, 0.02, 0.2])
def test_mcnemar_is_that_of_statsmodels(differs):
    generator = np.random.default_rng(8)
    ours, theirs = drawn(1, 300, generator)[0], drawn(1, 300, generator, mean=-1 - 5 * differs)[0]
    if not differs:
        theirs = ours
    table = [[int(((ours == a) & (theirs == b)).sum()) for b in (0, 1)] for a in (0, 1)]
    assert mcnemar(ours, theirs) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    assert mcnemar(ours, theirs) == mcnemar(theirs, ours)
