import numpy as np
import pytest

from analysis.stats.crossover import crossover
from analysis.words.claims import crossover_sentence


@pytest.mark.parametrize(
    ("d", "words"),
    [
        (
            [[-1.0, 1.0], [-1.0, 1.0]],
            "GN has the lower error below a batch size of about 8.0 (95% CI 8.0 to 8.0).",
        ),
        ([[-1.0, -1.0], [-1.0, -1.0]], "GN’s mean error is below BN’s at every batch size from 32 to 2"),
        ([[1.0, 1.0], [1.0, 1.0]], "GN’s mean error is not below BN’s even at batch size 2"),
    ],
)
def test_the_crossover_in_words(d, words):
    c = crossover([2, 32], np.array(d), np.random.default_rng(0))
    assert crossover_sentence(c, "GN", "BN").startswith(words)


def test_a_crossover_interval_beyond_the_batch_sizes_says_so():
    d = np.array([[-1.0, 1.0], [-1.0, -2.0], [2.0, 1.0]])
    c = crossover([2, 32], d, np.random.default_rng(0))
    assert "below 2 to above 32" in crossover_sentence(c, "GN", "BN")
