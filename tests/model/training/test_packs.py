"""A seed has the same numbers in any pack: weights, momentum, statistics and every metric, to the last bit."""

import pytest
import torch

from model.net.norms.registry import LAYERS
from model.norm_table import GROUPED
from model.training.epoch import Tally
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

CELLS = [(name, 4 if name in GROUPED else None) for name in LAYERS]
#: Batch and group norm at every batch size, each with one or two threads; the others at one.
EVERY_SIZE = [
    (*cell, batch_size, count)
    for cell in CELLS
    for batch_size, count in [(2, 1), (32, 1), (16, 2), (8, 1), (4, 2), (2, 2)][
        : None if cell[0] in {"bn", "gn"} else 1
    ]
]
#: Of 1, 2, 3, 5 and 7 replicas, in several orders and companies, seed 1 at every kind of place.
PACKS = ([2, 1], [3, 1, 2], [1, 3, 2], [5, 4, 3, 2, 1], [3, 6, 1, 7, 2], [9, 2, 1, 7, 6, 3, 8])
EPOCHS = 2


def trained(cell, seeds, data):
    """By seed: its state after the epochs, and its metrics of each."""
    training = Training(cell, seeds, data)
    epochs = [training.run_epoch() for _ in range(EPOCHS)]
    return {
        seed: (state, [metrics[place] for metrics in epochs])
        for place, (seed, state) in enumerate(zip(seeds, training.state(), strict=True))
    }


def hold_to_one_by_one(cell, packs, data):
    alone = {seed: trained(cell, [seed], data)[seed] for seed in (1, 2, 3)}
    for seeds in packs:
        together = trained(cell, seeds, data)
        for seed in set(seeds) & set(alone):
            (state, metrics), (expected, expected_metrics) = together[seed], alone[seed]
            assert metrics == expected_metrics, seeds
            for kind in ("weights", "momentum", "statistics"):
                for name, tensor in expected[kind].items():
                    assert torch.equal(state[kind][name], tensor), (seeds, kind, name)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("norm", "groups"), CELLS)
def test_a_seed_is_the_same_to_the_bit_in_packs_of_one_two_three_and_five(norm, groups):
    """oneDNN's convolutions, float32; batches that do not divide the images, to train or to evaluate on."""
    data = toy_data(n=35, tests=103)
    hold_to_one_by_one(spec(norm=norm, groups=groups, batch_size=16, epochs=EPOCHS), PACKS[:4], data)


def test_so_it_is_in_bf16():
    """Where a sum's order would seldom show in one product, and shows in a training."""
    cell = spec(norm="bn", batch_size=16, epochs=EPOCHS, precision="bf16")
    hold_to_one_by_one(cell, PACKS[:3], toy_data(n=35, tests=103))


def test_so_it_is_with_torchs_own_convolutions_of_tiny_batches():
    hold_to_one_by_one(spec(batch_size=2, epochs=EPOCHS), PACKS[:4], toy_data(n=9))


def test_so_it_is_where_one_pack_goes_on_with_what_others_left():
    data, cell = toy_data(n=35), spec(batch_size=16, epochs=EPOCHS)
    pair, single = Training(cell, [1, 2], data), Training(cell, [3], data)
    first = [*pair.run_epoch(), *single.run_epoch()]
    mixed = Training(cell, [3, 1], data)
    mixed.load_state([single.state()[0], pair.state()[0]])
    second = mixed.run_epoch()
    for place, seed in enumerate((3, 1)):
        state, metrics = trained(cell, [seed], data)[seed]
        assert metrics == [first[seed - 1], second[place]]
        assert all(torch.equal(mixed.state()[place]["weights"][k], v) for k, v in state["weights"].items())


def test_an_epochs_loss_is_summed_in_one_order_however_many_steps_come_at_once():
    """Losses so far apart in size that a sum in float64 shows its order."""
    losses = torch.randn(24, 3).exp() * 10.0 ** (torch.arange(24) * 7 % 24 - 12).view(-1, 1)
    sums = []
    for at_once, replicas in ((1, 1), (5, 3), (24, 3)):
        tally = Tally(replicas, torch.device("cpu"))
        for part in losses[:, :replicas].split(at_once):
            steps = len(part)
            tally.add(part, torch.zeros(steps, replicas, 1, 2), torch.zeros(steps, replicas, 1))
        sums.append(tally.loss[0].item())
    assert len(set(sums)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "groups", "batch_size", "count"), EVERY_SIZE)
def test_so_it_is_at_every_batch_size_with_one_thread_and_with_two(norm, groups, batch_size, count, threads):
    threads(count)
    data = toy_data(n=2 * batch_size + 1, tests=101, size=32)
    cell = spec(norm=norm, groups=groups, batch_size=batch_size, epochs=EPOCHS)
    hold_to_one_by_one(cell, [PACKS[0], PACKS[3], PACKS[5]], data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batch_size", "size", "count"),
    [(1, 7, 1), (1, 8, 2), (1, 28, 4), (2, 7, 2), (2, 8, 4), (2, 28, 1), (5, 7, 4), (5, 8, 1), (5, 28, 2)],
)
def test_so_it_is_with_images_of_other_sizes_and_more_threads(batch_size, size, count, threads):
    threads(count)
    data = toy_data(n=3 * batch_size + 1, tests=101, size=size)
    hold_to_one_by_one(spec(norm="gn", groups=8, batch_size=batch_size, epochs=EPOCHS), PACKS[1:6:4], data)
    hold_to_one_by_one(spec(shortcut="identity", batch_size=batch_size, epochs=EPOCHS), PACKS[4:], data)
