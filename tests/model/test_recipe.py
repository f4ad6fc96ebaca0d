"""Learning rates of both protocols, by hand."""

import math

import pytest
import torch

from model.recipe import RECIPES
from model.spec import Spec


def spec(recipe, batch_size, epochs, iterations=None):
    return Spec(norm="bn", batch_size=batch_size, recipe=recipe, epochs=epochs, iterations=iterations)


@pytest.mark.parametrize(
    ("batch_size", "first"), [(32, 0.1), (16, 0.05), (8, 0.025), (4, 0.0125), (2, 0.00625)]
)
def test_wu2018_divides_by_ten_after_epochs_30_60_and_90(batch_size, first):
    cell = spec("wu2018", batch_size, 100)
    steps = cell.steps_per_epoch(50_000)
    for epoch in range(1, 101):
        expected = first / 10 ** ((epoch > 30) + (epoch > 60) + (epoch > 90))
        for step in ((epoch - 1) * steps, epoch * steps - 1):  # the epoch's first and last
            rate = RECIPES["wu2018"].learning_rate(step, cell.total_steps(50_000), batch_size)
            assert rate == pytest.approx(expected, rel=1e-12), (epoch, step)


def test_he2015_divides_by_ten_at_32k_and_48k_of_64k():
    cell = spec("he2015", 128, None, 64_000)
    total = cell.total_steps(50_000)
    assert total == 64_000
    assert cell.steps_per_epoch(50_000) == 390
    assert cell.total_epochs(50_000) == 165  # 64,000 / 390 = 164.1
    rates = {0: 0.1, 31_999: 0.1, 32_000: 0.01, 47_999: 0.01, 48_000: 0.001, 63_999: 0.001}
    for step, expected in rates.items():
        assert RECIPES["he2015"].learning_rate(step, total, 128) == pytest.approx(expected, rel=1e-12)


def test_fewer_epochs_scale_the_milestones():
    rates = [RECIPES["wu2018"].learning_rate(step, 100, 32) for step in (29, 30, 59, 60, 89, 90)]
    assert rates == pytest.approx([0.1, 0.01, 0.01, 0.001, 0.001, 0.0001])


def test_the_incomplete_batch_is_dropped():
    cell = Spec(dataset="digits", norm="bn", batch_size=32, epochs=2, holdout=100)
    assert cell.steps_per_epoch(1352) == (1352 - 100) // 32 == 39


def test_an_epoch_of_fewer_images_is_fewer_steps():
    part = {"dataset": "digits", "norm": "bn", "batch_size": 32, "train_size": 500}
    cell = Spec(**part, epochs=4, holdout=100)
    assert cell.images(1352) == 500, "whatever is held out of the rest"
    assert cell.steps_per_epoch(1352) == 500 // 32 == 15
    assert (cell.total_steps(1352), cell.total_epochs(1352)) == (60, 4)
    cell = Spec(**part, epochs=None, iterations=40)
    assert (cell.total_epochs(1352), cell.steps_in_epoch(3, 1352)) == (3, 10)


def test_rates_of_an_epoch_are_those_of_its_steps():
    """However milestones fall between steps: by the definition, with exact fractions."""
    for recipe in RECIPES.values():
        for total in (7, 10, 64, 999):
            found = recipe.learning_rates(range(total), total, 2)
            scale = 1.0 if recipe.lr_scaling == "none" else 2 / recipe.base_batch_size
            for step, rate in enumerate(found):
                passed = sum(step >= m * total for m in recipe.milestones)
                assert rate == float(recipe.lr * scale / 10**passed)
                assert rate == recipe.learning_rate(step, total, 2)


def test_scaling_by_hand():
    """32 images are the recipe's own: twice as many, twice the rate or √2 times it."""
    rates = {
        s: RECIPES["wu2018"].learning_rates(range(1), 10, 64, scaling=s) for s in ("linear", "sqrt", "none")
    }
    assert rates == {
        "linear": pytest.approx([0.2]),
        "sqrt": pytest.approx([0.1 * 2**0.5]),
        "none": pytest.approx([0.1]),
    }


def test_a_cosine_is_torchs():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    expected = []
    for _ in range(20):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        theirs.step()
    ours = RECIPES["wu2018"].learning_rates(range(20), 20, 32, schedule="cosine")
    assert ours == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("schedule", ["step", "cosine", "constant"])
def test_a_warm_up_rises_to_the_first_rate(schedule):
    rates = RECIPES["wu2018"].learning_rates(range(40), 40, 32, schedule=schedule, warmup=4)
    assert rates[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])
    after = {"step": 0.0001, "cosine": 0.1 * (1 + math.cos(math.pi * 35 / 36)) / 2, "constant": 0.1}
    assert rates[-1] == pytest.approx(after[schedule])
