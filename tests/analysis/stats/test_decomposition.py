"""Where an error comes from: its parts against differences taken by hand, within each seed."""

import numpy as np
import pytest
from scipy import stats

from analysis.stats.decomposition import answers, parts
from analysis.study import read
from tests.helpers.evaluated import evaluated
from tests.helpers.sentence_cases import RISING, one_line

#: Statistics -> errors by batch size and seed.
POPULATION = {32: [12.0, 12.4, 11.8], 2: [18.0, 19.0, 18.1]}
PRECISE = {32: [11.9, 12.4, 11.7], 2: [15.0, 16.2, 15.5]}
BATCH = {32: [12.1, 12.5, 12.0], 2: [20.0, 21.5, 20.2]}


def found(answered, **more):
    study = read([evaluated(answered, **more)])
    (panel,) = study.panels
    return {
        part.x: part
        for part in parts(panel, answers(study.frame, study.evaluations, study.roles), paired=True)
    }


def by_hand(estimate, values):
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert estimate.mean == pytest.approx(np.mean(values))
    assert (estimate.interval.low, estimate.interval.high) == pytest.approx((expected.low, expected.high))


def test_each_part_is_a_paired_difference_and_they_add_up():
    own = found({"population": POPULATION, "precise": PRECISE, "batch": BATCH})
    here, there = own[2], own[32]
    p, q, b = (np.array(answer[2]) for answer in (POPULATION, PRECISE, BATCH))
    p0, q0 = (np.array(answer[32]) for answer in (POPULATION, PRECISE))
    assert there.rise is None
    assert here.rise.first == 32
    by_hand(there.gap, p0 - q0)
    by_hand(here.gap, p - q)
    by_hand(here.batch, b - p)
    by_hand(here.rise.whole, p - p0)
    by_hand(here.rise.evaluation, (p - q) - (p0 - q0))
    by_hand(here.rise.training, q - q0)
    assert here.rise.whole.mean == pytest.approx(here.rise.evaluation.mean + here.rise.training.mean)


def test_what_was_planted_is_evaluations():
    """Running statistics that cost four points at batch size 2, each seed its own share beside."""
    planted = {
        **PRECISE,
        2: [error + 4 + extra for error, extra in zip(PRECISE[2], (0, 0.1, -0.1), strict=True)],
    }
    rise = found({"population": planted, "precise": PRECISE})[2].rise
    assert rise.evaluation.mean == pytest.approx(4)
    assert rise.training.mean == pytest.approx(np.mean(PRECISE[2]) - np.mean(PRECISE[32]))
    assert rise.evaluation.interval.low > 3.5


def test_only_networks_that_answered_both_count():
    own = found({"population": POPULATION, "precise": {**PRECISE, 2: [15.0, None, 15.5]}})
    by_hand_of = (np.array(POPULATION[2]) - np.array(PRECISE[2]))[[0, 2]]
    assert own[2].gap.fewest == own[2].rise.whole.fewest == 2
    assert own[2].gap.mean == pytest.approx(by_hand_of.mean())
    assert not own[2].rise.whole.interval.known, "two seeds"


def test_without_precise_statistics_there_is_nothing_to_take_apart():
    assert found({"population": POPULATION, "batch": BATCH}) == {}


def test_answers_about_other_images_are_no_part_of_it():
    own = found({"population": POPULATION, "precise": PRECISE}, split="train")
    assert own == {}


def test_validation_errors_are_parts_of_a_sweep_that_holds_images_out():
    own = found({"population": POPULATION, "precise": PRECISE}, split="validation", holdout=100)
    assert own[2].rise.whole.mean == pytest.approx(np.mean(POPULATION[2]) - np.mean(POPULATION[32]))


def test_trials_that_diverged_or_are_no_longer_there_do_not_count():
    errors = one_line("bn", RISING)
    assert len(errors) == 3
    own = found(
        {"population": POPULATION, "precise": PRECISE},
        errors={("bn", None, 2): [18.0, None, 18.1], ("bn", None, 32): [12.0, 12.4, 11.8]},
    )
    assert own[2].gap.fewest == 2
