"""The rule by which a search chooses, against one written by hand."""

from fractions import Fraction
from random import Random

import pytest

from analysis.stats.tuning import Tried, best, edges, tried


def search(*errors, **more):
    """Learning rates 0.1, 0.2, … with these errors."""
    return [tried({"lr": (i + 1) / 10}, dict(enumerate(own)), len(own)) for i, own in enumerate(errors)]


def by_hand(candidates):
    """The lowest mean in exact arithmetic, the smaller value where two tie."""
    means = [(sum(map(Fraction, one.errors.values())) / len(one.errors), one.values) for one in candidates]
    return means.index(min(means))


@pytest.mark.parametrize("number", range(20))
def test_the_lowest_mean_wins(number):
    random = Random(number)
    candidates = search(*[[random.randrange(0, 40) / 4 for _ in range(3)] for _ in range(6)])
    assert best(candidates) == by_hand(candidates)


def test_the_smaller_of_two_that_tie_wherever_it_stands():
    thirds = [100 / 3, 200 / 3, 0.0]
    tie = search(thirds, thirds[::-1], [90.0] * 3)
    assert best(tie) == 0
    assert best(tie[::-1]) == 2
    # means that are one but for the rounding of a sum
    one, other = {1: 0.1, 2: 0.2, 3: 0.3}, {1: 0.2, 2: 0.2, 3: 0.2}
    assert best([tried({"lr": 0.4}, other, 3), tried({"lr": 0.2}, one, 3)]) == 1


def test_a_value_of_which_a_trial_diverged_cannot_win():
    assert best(search([1.0, None], [5.0, 6.0])) == 1
    assert best(search([1.0, None], [None, None])) is None


def test_nothing_is_chosen_before_every_trial_has_a_result():
    unfinished = Tried((("lr", 0.3),), {1: 9.0}, wanting=1)
    assert best([*search([1.0, 2.0]), unfinished]) is None


def test_edges():
    candidates = search([3.0], [2.0], [1.0])
    assert [edges(candidates, place) for place in range(3)] == [[("lr", False)], [], [("lr", True)]]
    decay = [tried({"weight_decay": v, "decay_norm": True}, {1: 1.0}, 1) for v in (0.0, 0.1)]
    assert edges(decay, 0) == [], "a decay of 0 cannot be less"
    assert edges(decay, 1) == [("weight_decay", True)]
    assert edges(decay[:1], 0) == []
