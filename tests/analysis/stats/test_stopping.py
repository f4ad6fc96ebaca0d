"""Which cells get how many seeds next, on results that a test chooses."""

import numpy as np
import pytest

from analysis.stats.anytime import critical, p_value
from analysis.stats.cells import cells
from analysis.stats.choices import Choices, Margin
from analysis.stats.differences import differences
from analysis.stats.multiplicity import holm, simultaneous_level
from analysis.stats.stopping import Cost, Question, more, questions
from analysis.study import read
from tests.helpers import ROOT, stopped
from tests.helpers.sequential import added, rule
from tests.helpers.sweeps import in_memory, two_norms

FREE = Cost(0.0, {})
CHOICES = Choices(paired=True)


def asked(bn, gn, **changes):
    frame = added(in_memory(two_norms(bn, gn))).frame
    return questions(cells(frame), CHOICES, rule(**changes))


CLEAR = [12.0, 12.2, 12.1, 12.3, 12.0, 12.1]
NEAR = [12.1, 12.2, 12.1, 12.35, 12.0, 12.2]
FAR = [18.0, 18.3, 18.2, 18.3, 18.1, 18.0]
OPEN = [12.0, 14.5, 11.0, 13.9, 12.6, 12.2]


def test_differs_alike_and_open():
    found = asked({32: CLEAR, 8: CLEAR, 2: FAR}, {32: NEAR, 8: OPEN, 2: CLEAR})
    assert [question.far > 0 for question in found] == [False, True, False]


def test_the_page_says_the_same():
    study = read([added(in_memory(two_norms({32: CLEAR, 8: CLEAR, 2: FAR}, {32: NEAR, 8: OPEN, 2: CLEAR})))])
    (own,) = study.differences.values()
    assert [(d.claimed, d.decided) for d in own] == [(False, True), (False, False), (True, True)]


def test_an_interval_of_the_width_that_is_wanted_is_enough():
    half = differences(cells(added(in_memory(two_norms({8: CLEAR}, {8: OPEN}))).frame), CHOICES)
    wanted = half[0].estimate.interval.half_width
    assert asked({8: CLEAR}, {8: OPEN}, until_ci=wanted, until_decided=False)[0].far == 0
    (question,) = asked({8: CLEAR}, {8: OPEN}, until_ci=wanted / 3, until_decided=False)
    assert question.far == pytest.approx(3)


def test_one_line_is_asked_for_its_means():
    frame = added(in_memory({("bn", None, 8): OPEN, ("bn", None, 2): CLEAR})).frame
    found = questions(cells(frame), CHOICES, rule(until_ci=0.5, until_decided=False))
    assert [question.far > 0 for question in found] == [True, False]
    assert not questions(cells(frame), CHOICES, rule())


def test_the_family_counts_comparisons_without_an_interval_too():
    """Which have one by now depends on the results; the level may not."""
    study = read([added(in_memory(two_norms({32: CLEAR, 8: CLEAR}, {32: OPEN, 8: [12.0, None]})))])
    (own,) = study.differences.values()
    assert [d.family for d in own] == [2, 2]
    assert own[0].p_holm == pytest.approx(min(1, 2 * own[0].estimate.p))


def test_seeds_go_where_least_is_decided():
    questions = [Question(("a", "base"), 1.1), Question(("b", "base"), 9.0), Question(("c", "base"), 0.0)]
    counts = dict.fromkeys(("a", "b", "c", "base"), 10)
    found = more(questions, counts, rule(first_seeds=5, step=5, max_seeds=100), FREE)
    assert found == {"a": 15, "b": 20, "c": 10, "base": 20}


def test_never_more_than_the_rule_allows():
    found = more([Question(("a", "b"), float("inf"))], {"a": 10, "b": 10}, rule(step=5, max_seeds=12), FREE)
    assert found == {"a": 12, "b": 12}
    assert more([Question(("a", "b"), 2.0)], found, rule(step=5, max_seeds=12), FREE) == found


def test_hours_go_to_the_furthest_first():
    questions = [Question(("a", "b"), 1.5), Question(("c", "d"), 3.0)]
    counts, each = dict.fromkeys("abcd", 5), dict.fromkeys("abcd", 0.1)
    limited = rule(step=5, max_seeds=50, max_hours=3.0)
    assert more(questions, counts, limited, Cost(1.5, each)) == {"a": 5, "b": 5, "c": 10, "d": 10}
    assert more(questions, counts, limited, Cost(2.5, each)) == counts


def test_a_relative_margin_calls_nothing_alike():
    frame = added(in_memory(two_norms({8: CLEAR}, {8: NEAR}))).frame
    relative = Choices(paired=True, margin=Margin(5, relative=True, chosen=True))
    assert not differences(cells(frame), relative)[0].decided
    assert differences(cells(frame), CHOICES)[0].decided


@pytest.mark.slow
def test_what_the_docs_say_of_error_rates_and_price():
    """The tables of docs/sequential-seeds.md are what the simulation gives, and the rates are what they promise."""
    said = (ROOT / "docs" / "sequential-seeds.md").read_text()
    tables = (stopped.looking_table(), stopped.decided_table(), stopped.wrong_table(), stopped.width_table())
    for table in tables:
        assert table in said
    looks = stopped.every(stopped.looked_at(seed=2), 5, 5)
    assert (stopped.until_decided(looks, 0, 1).decided == "difference").mean() <= 0.05
    assert (stopped.until_decided(looks, 1, 1).decided == "alike").mean() <= 0.05
    at_stop = stopped.until_ci(looks, 1.0)
    assert (np.abs(at_stop.mean) <= at_stop.half).mean() >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("nulls", range(6))
def test_differences_and_likenesses_of_five_comparisons_are_wrong_no_more_often_than_is_said(nulls):
    found = stopped.wrong_statements(nulls, studies=20_000, seed=11)
    assert found.differ <= 0.05
    assert found.alike <= 0.05 * (5 - nulls) / 5
    assert found.either <= 0.05 * (2 - nulls / 5)


def test_the_simulation_says_what_holms_correction_says():
    """Of one study that is looked at once: the same claims as `holm` makes of the p-values."""
    generator = np.random.default_rng(3)
    for _ in range(200):
        t = np.abs(generator.normal(scale=6, size=5))
        claimed = [p < 0.05 for p in holm([p_value(float(one), 9) for one in t])]
        assert stopped.claimed_by_holm(t[None, None], np.array([10.0]))[0, 0].tolist() == claimed


@pytest.mark.slow
def test_a_study_of_five_comparisons_claims_a_difference_that_is_not_there_in_at_most_5_percent():
    """Holm's correction claims none before one passes at a fifth of the level; here at any look of any."""
    generator = np.random.default_rng(5)
    shared = generator.normal(size=(4_000, 50))

    def with_shared(own, shape):
        return 0.7 * shared + 0.7 * own.normal(size=shape)

    wrong = [
        stopped.excluded(
            stopped.stopped_studies(4_000, most=50, seed=seed, draw=with_shared),
            lambda n: critical(simultaneous_level(5), n - 1),
        )
        for seed in range(5)
    ]
    assert 0 < np.any(wrong, axis=0).mean() <= 0.05
