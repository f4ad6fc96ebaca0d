"""Every norm of the table trains within its pack: better than chance on the digits after a few epochs."""

import math

import pytest
from scipy.stats import binomtest

from model.data.registry import load
from model.data.selection import Selection
from model.norm_table import GROUPED, NORM_TABLE
from model.training.training import Training
from tests.helpers.cells import spec

IMAGES, EPOCHS, SEEDS = 250, 3, (1, 2)
#: Beside a shortcut that carries everything, branches that start at 0 take these more steps than 75 to open.
OPEN_FROM_THE_START = {"in", "dyt", "evob0", "evos0"}


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORM_TABLE)
def test_a_norm_trains_on_the_digits(norm):
    """By a one-sided binomial test against always naming the commonest class, at 0.1% over all norms and
    seeds."""
    data = load("digits", selection=Selection(train_size=IMAGES))
    cell = spec(
        dataset="digits",
        norm=norm,
        groups=4 if norm in GROUPED else None,
        batch_size=10,
        epochs=EPOCHS,
        train_size=IMAGES,
        schedule="constant",
        augment="none",
        zero_gamma=norm not in OPEN_FROM_THE_START,
    )
    training = Training(cell, SEEDS, data)
    for _ in range(EPOCHS):
        metrics = training.run_epoch()
        assert all(math.isfinite(replica.train_loss) for replica in metrics)
    count = len(data.eval_labels)
    chance = data.eval_labels.bincount().max().item() / count
    for replica in metrics:
        right = count - round(replica.test_error / 100 * count)
        found = binomtest(right, count, chance, alternative="greater")
        assert found.pvalue < 0.001 / len(NORM_TABLE) / len(SEEDS), replica
