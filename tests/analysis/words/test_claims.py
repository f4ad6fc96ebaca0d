import numpy as np
import pytest

from analysis.stats.crossover import crossover
from analysis.words.claims import crossover_sentence

NOISE = np.array([[0.1, -0.1], [-0.05, 0.02], [0.0, 0.07]])


@pytest.mark.parametrize(
    ("mean", "spread", "words"),
    [
        ([-1, 1], 1, "GN’s mean error is the lower below a batch size of about 7.9 (95% CI of the crossover 7.3 to 8.7)."),
        ([-1, -1], 1, "GN’s mean error is below BN’s at every batch size from 32 to 2 (95% CI of the crossover above 32)."),
        ([1, 1], 1, "GN’s mean error is not below BN’s even at batch size 2 (95% CI of the crossover below 2)."),
        ([-1, 0.1], 1, "GN’s mean error is the lower below a batch size of about 25.0 (95% CI of the crossover 17.5 to above 32)."),
        ([-1, 1], 40, "Below which batch size GN has the lower error is not resolved by 3 seeds: nothing from below 2 to above 32 is excluded."),
    ],
)  # fmt: skip
def test_the_crossover_in_words(mean, spread, words):
    assert crossover_sentence(crossover([2, 32], mean + spread * NOISE), "GN", "BN") == words


def test_a_crossover_of_two_seeds_has_no_interval():
    said = crossover_sentence(crossover([2, 32], [[-1.0, 1.0], [-1.0, 1.0]]), "GN", "BN")
    assert said == (
        "GN’s mean error is the lower below a batch size of about 8.0 (n = 2: too few for an interval)."
    )
