"""Do the statistics keep their word? Simulated studies, vectorised with scipy where ours is one at a time."""

import math
import re

import numpy as np
import pytest

from analysis.stats import paired
from analysis.stats.intervals import BCA_COVERAGE, bca_interval, t_interval
from tests.helpers import ROOT, coverage

STUDIES = 6_000


def within(rate, expected, studies):
    """Four standard errors of a Monte Carlo rate: one false alarm in 16,000."""
    return abs(rate - expected) <= 4 * math.sqrt(expected * (1 - expected) / studies)


def test_t_intervals_cover_95_percent_at_five_seeds():
    draws = np.random.default_rng(1).normal(13.6, 0.2, size=(STUDIES, 5))
    intervals = [t_interval(x) for x in draws]
    assert within(np.mean([i.low <= 13.6 <= i.high for i in intervals]), 0.95, STUDIES)


def test_the_decision_rule_is_wrong_in_at_most_5_percent_of_studies():
    """No difference in truth, five seeds, five batch sizes; a study errs if it claims any."""
    draws = np.random.default_rng(2).normal(0, 0.3, size=(STUDIES, 5, 5))
    wrong = np.mean([any(paired.decide(paired.holm([paired.t_test(x) for x in study]))) for study in draws])
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)
    assert wrong > 0.02  # and it is not so careful as to be useless


def test_the_decision_rule_holds_when_batch_sizes_share_their_seeds():
    generator = np.random.default_rng(3)
    shared = generator.normal(0, 0.3, size=(STUDIES, 1, 5))
    draws = shared + generator.normal(0, 0.1, size=(STUDIES, 5, 5))
    wrong = np.mean([any(paired.decide(paired.holm([paired.t_test(x) for x in study]))) for study in draws])
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)


def test_sign_flip_is_wrong_in_at_most_5_percent_of_studies_whatever_the_shape():
    draws = np.random.default_rng(4).standard_t(2, size=(STUDIES, 8))  # symmetric, and far from normal
    wrong = np.mean([paired.sign_flip(x) <= 0.05 for x in draws])
    assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)


def test_equivalence_at_the_margin_is_claimed_in_at_most_5_percent():
    draws = np.random.default_rng(5).normal(1.0, 0.3, size=(STUDIES, 5))
    wrong = np.mean([paired.equivalence(x, 1.0).shown for x in draws])
    assert within(wrong, 0.05, STUDIES)


@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_bca_covers_what_the_page_says_that_it_covers(n):
    """Why Student's t is the default: the page says so, and this is the evidence."""
    generator, studies = np.random.default_rng(6), 1_500
    intervals = [bca_interval(x, generator, resamples=999) for x in generator.normal(0, 1, size=(studies, n))]
    rate, expected = np.mean([i.low <= 0 <= i.high for i in intervals]), BCA_COVERAGE[0.95][n]
    assert abs(rate - expected) <= 0.005 + 4 * math.sqrt(expected * (1 - expected) / studies)


@pytest.mark.slow
def test_every_interval_of_the_page_covers_what_the_docs_say():
    """The table in docs/coverage.md is what the simulation gives, and t and its kin keep their level."""
    table = coverage.table()
    assert table in (ROOT / "docs" / "coverage.md").read_text()
    for name, (level, _) in coverage.INTERVALS.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
        if not name.startswith(("BCa", "The same where errors are skewed")):
            for share in re.findall(r"([\d.]+)%", row)[1:]:
                assert float(share) / 100 >= level - 4 * math.sqrt(level * (1 - level) / coverage.STUDIES)
