"""Training that starts from other trials' weights: a pack is what its seeds are alone, and what is new is new."""

import pytest
import torch

from model.net.transfer import MisfitError
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

SEEDS = (3, 5)


def weights_of(cell, data):
    """The final weights of seeds of a trained cell, in the order of SEEDS."""
    training = Training(cell, SEEDS, data)
    training.run_epoch()
    return training.weights()


@pytest.fixture(scope="module")
def data():
    return toy_data(n=24)


@pytest.fixture(scope="module")
def parents(data):
    return weights_of(spec(norm="bn", batch_size=8, epochs=1), data)


@pytest.mark.parametrize(
    "axes",
    [
        {"norm": "gn", "groups": 4},
        {"norm": "fbn"},
        {"norm": "dyt"},
        {"norm": "bn", "optimizer": "adamw", "decay_norm": False, "grad_clip": "agc"},
    ],
)
def test_a_pack_from_parents_is_its_seeds_from_theirs(data, parents, axes):
    cell = spec(**axes, batch_size=2, epochs=2)
    pack = Training(cell, SEEDS, data)
    pack.start_from(parents)
    metrics = pack.run_epoch()
    for place, seed in enumerate(SEEDS):
        alone = Training(cell, [seed], data)
        alone.start_from([parents[place]])
        assert alone.run_epoch() == [metrics[place]]
        for name, tensor in alone.weights()[0].items():
            assert torch.equal(tensor, pack.weights()[place][name]), name


def test_what_starts_anew_is_as_from_scratch_and_the_rest_the_parents(data, parents):
    cell = spec(norm="dyt", batch_size=2, epochs=2)
    fresh, started = Training(cell, SEEDS, data), Training(cell, SEEDS, data)
    started.start_from(parents)
    for scratch, state, parent in zip(fresh.state(), started.state(), parents, strict=True):
        assert state["epoch"] == 0
        assert not any(tensor.any() for tensor in state["momentum"].values())
        for name, tensor in state["weights"].items():
            anew = name.endswith("alpha")
            assert torch.equal(tensor, scratch["weights"][name] if anew else parent[name]), name


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_nothing_of_the_parents_optimiser_is_taken_over(data, parents, optimizer):
    """Weights alone: an epoch from them is one of a training that was made with them."""
    cell = spec(norm="bn", batch_size=2, epochs=2, optimizer=optimizer)
    started, fresh = Training(cell, SEEDS, data), Training(cell, SEEDS, data)
    moments = [name for name in fresh.state()[0] if name not in {"epoch", "weights", "statistics"}]
    assert len(moments) == (2 if optimizer == "adamw" else 1)
    started.start_from(parents)
    for state in started.state():
        assert not any(tensor.any() for name in moments for tensor in state[name].values())
    for own, tensor in {**dict(fresh.net.named_parameters()), **dict(fresh.net.named_buffers())}.items():
        if tensor.is_floating_point():
            tensor.data.copy_(torch.cat([parent[own] for parent in parents]))
    assert started.run_epoch() == fresh.run_epoch()


def test_the_classifier_of_other_classes_is_the_seeds_own(parents):
    cell, other = spec(norm="bn", batch_size=2, epochs=2), toy_data(n=24, classes=5)
    fresh, started = Training(cell, SEEDS, other), Training(cell, SEEDS, other)
    started.start_from(parents)
    for scratch, state, parent in zip(fresh.weights(), started.weights(), parents, strict=True):
        new = {name for name in state if name.startswith("classifier")}
        assert new == {"classifier.weight", "classifier.bias"}
        assert all(torch.equal(state[name], scratch[name] if name in new else parent[name]) for name in state)


def test_another_network_is_refused(data, parents):
    wide = Training(spec(norm="bn", width=2, batch_size=2, epochs=2), SEEDS, data)
    with pytest.raises(MisfitError, match="there and"):
        wide.start_from(parents)


def test_only_before_the_first_epoch(data, parents):
    training = Training(spec(norm="bn", batch_size=8, epochs=2), SEEDS, data)
    training.run_epoch()
    with pytest.raises(RuntimeError, match="1 epochs and 0 steps are trained already"):
        training.start_from(parents)
