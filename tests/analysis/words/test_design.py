"""What a methods section says of searches, of a rule for seeds, and of trials that start from others."""

from dataclasses import replace

from analysis.page.methods import by_sweep
from analysis.stats.searched import searched_cells
from analysis.study import read
from analysis.words.design import searches_sentences
from tests.helpers.sequential import added
from tests.helpers.sweeps import in_memory, two_norms
from tests.helpers.tuned import tuned

BN, GN = ("bn", None, 32), ("gn", 8, 32)
LOW, HIGH = [10.0, 10.2, 10.1], [14.0, 14.2, 14.1]


def said(searches, finals, common=()):
    sweep = tuned(searches, finals, dict(common))
    return searches_sentences(searched_cells(sweep.frame, sweep.facts))


def test_one_budget_for_all():
    searches = {BN: {0.1: HIGH, 0.4: LOW}, GN: {0.1: LOW, 0.4: HIGH}}
    assert said(searches, {BN: (0.4, LOW), GN: (0.1, LOW)}) == (
        "For each of two cells, the learning rate (0.1 and 0.4) was searched first: three seeds of the search’s own "
        "with each, evaluated on 100 held-out training images. The value with the lowest mean error there after the "
        "last epoch was taken, the smaller one in a tie, and never one with a diverged trial; the cell was then "
        "trained with it on all training images. Every cell had the same budget. The choice was learning rate 0.4 in one "
        "cell and learning rate 0.1 in one cell."
    )


def test_other_budgets_and_a_search_that_chose_nothing():
    text = said({BN: {0.1: HIGH, 0.4: LOW}, GN: {0.1: [None], 0.2: [None], 0.4: [None]}}, {BN: (0.4, LOW)})
    assert "For one cell, the learning rate (0.1 and 0.4) was searched first: three seeds" in text
    assert "For one cell, the learning rate (0.1, 0.2 and 0.4) was searched first: one seed of" in text
    assert "The budgets were not the same for all. The choice was learning rate 0.4 in one cell." in text
    assert text.endswith("In one nothing was chosen.")


def test_it_stands_in_the_methods():
    searches = {BN: {0.1: HIGH, 0.4: LOW}}
    sweep = tuned(searches, {BN: (0.4, LOW)}, {})
    assert "was searched first" in methods(sweep)
    assert "was searched first" not in methods(in_memory({BN: LOW, GN: HIGH}))


def methods(sweep):
    (own,) = by_sweep(read([sweep])).values()
    return own.text


ERRORS = two_norms(
    {32: [12.0, 12.2, 12.1], 2: [18.0, 18.3, 18.2]}, {32: [12.1, 12.2, 12.0], 2: [12.0, 12.3, 12.2]}
)


def test_a_rule_that_added_seeds_and_how_likeness_is_judged():
    text = methods(added(in_memory(ERRORS)))
    assert (
        "Seeds were added as results came in, until every comparison is decided (there is a difference, or less than "
        "1 point), with 3 to 20 seeds a cell; written down on 27 November 2026, 08:00 UTC, before any trial had a result."
    ) in text
    assert (
        "Two errors are called alike where the interval, of all these together by Bonferroni’s correction, lies within "
        "±1 point"
    ) in text
    assert (
        "equivalence: the anytime-valid interval of every pair of batch sizes has to lie within ±1 point"
        in text
    )
    assert "Schuirmann" not in text
    fixed = methods(in_memory(ERRORS))
    assert "Schuirmann 1987" in fixed
    assert not [words for words in ("called alike", "Seeds were added") if words in fixed]


def test_trials_that_start_from_others():
    sweep = in_memory(ERRORS)
    start = "norm=bn batch_size=32"
    frame = sweep.frame.assign(start=sweep.frame["batch_size"].map(lambda size: start if size == 2 else None))
    text = methods(replace(sweep, frame=frame))
    assert "6 trials started from the final weights of another one with the same seed." in text
