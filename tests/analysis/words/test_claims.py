import numpy as np
import pytest

from analysis import load
from analysis.stats.cells import cells
from analysis.stats.choices import DEFAULT, Choices, Margin
from analysis.stats.claims import constancy
from analysis.stats.crossover import crossover
from analysis.words.claims import constancy_sentence, crossover_sentence, margin_origin
from tests.helpers.coverage import by_size
from tests.helpers.synthetic import block

NOISE = np.array([[0.1, -0.1], [-0.05, 0.02], [0.0, 0.07]])


@pytest.mark.parametrize(
    ("mean", "spread", "words"),
    [
        ([-1, 1], 1, "GN has a lower mean error than BN below a batch size of about 7.9 (95% CI of the crossover: 7.3 to 8.7)."),
        ([-1, -1], 1, "GN has a lower mean error than BN at every batch size from 32 to 2 (95% CI of the crossover: above 32)."),
        ([1, 1], 1, "Even at batch size 2, GN has no lower mean error than BN (95% CI of the crossover: below 2)."),
        ([-1, 0.1], 1, "GN has a lower mean error than BN below a batch size of about 25.0 (95% CI of the crossover: 17.5 to above 32)."),
        ([-1, 1], 40, "Below which batch size GN has the lower error is not resolved by 3 seeds: nothing from below 2 to above 32 is excluded."),
    ],
)  # fmt: skip
def test_the_crossover_in_words(mean, spread, words):
    assert said(mean + spread * NOISE) == words


def said(differences, paired=True):
    ours, theirs = by_size(np.asarray(differences) + 14.0), by_size(np.full(np.shape(differences), 14.0))
    return crossover_sentence(crossover([2, 32], ours, theirs, paired=paired), "GN", "BN")


def test_a_crossover_of_two_seeds_has_no_interval():
    assert said([[-1.0, 1.0], [-1.0, 1.0]]) == (
        "GN has a lower mean error than BN below a batch size of about 8.0 (n = 2: too few for an interval)."
    )
    assert said([[-1.0, 1.0], [-1.0, 1.0]], paired=False).endswith("(n = 2 each: too few for an interval).")


def test_independent_runs_are_not_called_seeds():
    assert "is not resolved by 3 runs of each:" in said([-1, 1] + 40 * NOISE, paired=False)


def line_of(sweep, change, margin=DEFAULT.margin, seeds=5):
    """What is said of a line whose error at batch size 2 is `change(seed)` more than at 32."""
    url = sweep(
        block(batch_size=[32, 2], seeds=seeds),
        error=lambda t: 14.0 + t.seed / 50 + (t.batch_size == 2) * change(t.seed),
        epochs=60,
    )
    (c,) = constancy(cells(load(url)), Choices(margin=margin, paired=True))
    return constancy_sentence(c, "GN")


@pytest.mark.parametrize(
    ("change", "margin", "words"),
    [
        (lambda s: s % 3 / 10, Margin(),
         "GN’s error is constant from batch size 32 to 2, within the default margin of ±1 point (equivalence test, p < 0.001; hardest for 2 against 32, 90% CI +0.04 to +0.20, so the smallest margin that passes is ±0.20)."),
        (lambda s: 6 + s % 3 / 10, Margin(),
         "GN’s error is not constant from batch size 32 to 2, within the default margin of ±1 point: it rises by at least 6.0 points (95% CI 6.0 to 6.2)."),
        (lambda s: -6 - s % 3 / 10, Margin(0.5, chosen=True),
         "GN’s error is not constant from batch size 32 to 2, within the chosen margin of ±0.5 points: it falls by at least 6.0 points (95% CI 6.0 to 6.2)."),
        (lambda s: 1 + s % 3 / 10, Margin(1.1, chosen=True),
         "Whether GN’s error is constant from batch size 32 to 2, within the chosen margin of ±1.1 points, is not resolved by 5 seeds, though it rises by at least 1.0 points (equivalence test, p = 0.69; hardest for 2 against 32, 90% CI +1.04 to +1.20, so the smallest margin that passes is ±1.20)."),
        (lambda s: s % 3 / 10, Margin(5, relative=True, chosen=True),
         "GN’s error is constant from batch size 32 to 2, within the chosen margin of ±5% of its error at batch size 32, which is ±0.7 points (equivalence test, p < 0.001; hardest for 2 against 32, 90% CI +0.04 to +0.20, so the smallest margin that passes is ±0.20)."),
    ],
)  # fmt: skip
def test_constancy_in_words(sweep, change, margin, words):
    assert line_of(sweep, change, margin) == words


def test_two_seeds_say_nothing_of_constancy(sweep):
    assert line_of(sweep, lambda s: 6 + s, seeds=2).endswith("needs three seeds or more that differ.")


def test_who_chose_the_margin():
    assert "fixed before these data were seen" in margin_origin(Margin())
    assert "(--margin 5%)" in margin_origin(Margin(5, relative=True, chosen=True))
