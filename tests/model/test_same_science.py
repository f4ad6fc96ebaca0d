"""Packing and speed change no result: the plain loop and ours, and packs and solo runs, on digits."""

import statistics

import pytest
import torch
from torch.nn import functional as F

from model.bench.reference_loop import Images, PlainLoop
from model.data.registry import load
from model.recipe import RECIPES
from model.training.training import Training
from tests.helpers.cells import spec

SEEDS = (1, 2, 3, 4, 5)


def plain_error(cell, seed, data):
    """Test error in percent of the plain loop, from the weights that our seed starts with."""
    torch.manual_seed(seed)
    pixels = data.train_images.permute(0, 2, 3, 1).contiguous().numpy()
    images = Images(pixels, data.train_labels.tolist(), flip=data.flip)
    loop = PlainLoop(cell, images, 10, torch.device("cpu"))
    loop.net.load_state_dict(Training(cell, [seed], data).weights()[0])
    size = len(data.train_labels)
    for step in range(cell.total_steps(size)):
        rate = RECIPES[cell.recipe].learning_rate(step, cell.total_steps(size), cell.batch_size)
        loop.optimiser.param_groups[0]["lr"] = rate
        loop.train_steps(1)
    net = loop.net.eval()
    mean, std = (t.view(-1, 1, 1) for t in (data.mean, data.std))
    with torch.no_grad():
        logits = net((data.eval_images.float() - mean) / std)
    assert F.cross_entropy(logits, data.eval_labels).isfinite()
    return float((logits.argmax(1) != data.eval_labels).double().mean() * 100)


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "groups"), [("bn", None), ("gn", 8)])
def test_the_plain_loop_reaches_the_same_error_within_noise(norm, groups):
    """Five seeds each; their means differ by less than three standard errors of the difference."""
    data = load("digits")
    cell = spec(dataset="digits", norm=norm, groups=groups, batch_size=32, epochs=6)
    ours = Training(cell, SEEDS, data)
    for _ in range(6):
        last = ours.run_epoch()
    found = [metrics.test_error for metrics in last]
    plain = [plain_error(cell, seed, data) for seed in SEEDS]
    spread = (statistics.variance(found) / 5 + statistics.variance(plain) / 5) ** 0.5
    assert statistics.mean(plain) < 25  # it has learnt: chance is 90
    assert abs(statistics.mean(found) - statistics.mean(plain)) < 3 * spread


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [2, 4, 8, 16, 32])
@pytest.mark.parametrize(("norm", "groups"), [("bn", None), ("gn", 8)])
def test_a_replica_is_the_solo_run_of_its_seed_over_epochs(norm, groups, batch_size):
    """float64, three epochs of digits-sized training, 75 images, which no batch size divides."""
    from tests.helpers.cells import toy_data

    data = toy_data(n=75)
    cell = spec(norm=norm, groups=groups, batch_size=batch_size, epochs=3)
    packed = Training(cell, [8, 2, 6], data, dtype=torch.float64)
    alone = [Training(cell, [seed], data, dtype=torch.float64) for seed in (8, 2, 6)]
    for _ in range(3):
        for metrics, solo in zip(packed.run_epoch(), alone, strict=True):
            (expected,) = solo.run_epoch()
            assert metrics == expected
    for state, solo in zip(packed.state(), alone, strict=True):
        for name, tensor in solo.state()[0]["weights"].items():
            assert torch.equal(state["weights"][name], tensor), name
