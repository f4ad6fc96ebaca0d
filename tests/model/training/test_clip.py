"""Clipping of a pack: torch's own of each solo network, a plain calculation by unit, and solo runs."""

import copy
import math

import pytest
import torch
from torch import nn

from model.errors import InputError
from model.net.build import MAKERS, network
from model.net.parts import of_the_classifier
from model.training.clip import Clip
from model.training.step import Step
from model.training.training import Training
from tests.helpers.cells import spec, toy_data
from tests.helpers.unit_clipping import clipped_by_unit
from tests.model.training.test_epoch import Calls
from tests.model.training.test_packs import EPOCHS, hold_to_one_by_one, threads

__all__ = ["threads"]  # a fixture

DATA = toy_data(n=18)
CLIPPED = [{"grad_clip": "norm", "clip_at": 0.5}, {"grad_clip": "agc", "clip_at": 0.02}]


def started(cells, seeds, **options):
    """Networks with weights that are no longer zero anywhere."""
    net = network(cells[0], DATA.info, seeds, zero_gamma=False, **options).double()
    with torch.no_grad():
        for number, p in enumerate(net.parameters()):
            for part, seed in zip(p.chunk(len(seeds)), seeds, strict=True):
                generator = torch.Generator().manual_seed(1000 * seed + number)
                part.add_(0.1 * torch.randn(part.shape, generator=generator, dtype=p.dtype))
    return net


def gradients(step, images, labels):
    losses, _ = step.losses(images, labels)
    return torch.autograd.grad(losses.sum(), list(step.net.parameters()))


def updated(net, cells, images, labels):
    """The change of every parameter in one step of rate 1 without momentum or decay: minus its gradient."""
    before = [p.detach().clone() for p in net.parameters()]
    step = Step(net, cells)
    step.optimizer.update(gradients(step, images, labels), [1.0] * len(step.groups))
    return [old - new.detach() for old, new in zip(before, net.parameters(), strict=True)]


def cells_of(kinds, **more):
    return [spec(momentum=0.0, weight_decay=0.0, **kind, **more) for kind in kinds]


@pytest.mark.parametrize("model", ["resnet20", "mixer"])
def test_each_replica_is_clipped_as_torch_clips_its_solo_network(model):
    """Three replicas that see images of very different size: one clipped, one below the limit, one not asked."""
    kinds = [{"grad_clip": "norm", "clip_at": 0.5}, {"grad_clip": "norm", "clip_at": 1e6}, {}]
    cells, seeds = cells_of(kinds, model=model, norm="ln"), [1, 2, 3]
    parts = [4.0**r * torch.randn(4, 3, 8, 8, dtype=torch.float64) for r in range(3)]
    labels = torch.tensor([[0, 1, 2, 0]] * 3)
    found = updated(started(cells, seeds), cells, torch.cat(parts, 1), labels)
    for r, limit in enumerate((0.5, 1e6, None)):
        alone = started(cells[r:], seeds[r : r + 1])
        for p, g in zip(
            alone.parameters(), gradients(Step(alone, cells[r : r + 1]), parts[r], labels[:1]), strict=True
        ):
            p.grad = g
        if limit is not None:
            norm = nn.utils.clip_grad_norm_(alone.parameters(), limit)
            assert (norm > limit) == (r == 0)
        for ours, p in zip(found, alone.parameters(), strict=True):
            torch.testing.assert_close(ours.chunk(3)[r], p.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", ["resnet20", "vgg", "lstm"])
def test_agc_is_equation_3_unit_by_unit_and_leaves_the_classifier_alone(model):
    """Of each replica, with loops over its units; the third is not clipped."""
    kinds = [{"grad_clip": "agc"}, {"grad_clip": "agc", "clip_at": 0.5}, {}]
    cells, seeds = cells_of(kinds, model=model, norm="ln"), [1, 2, 3]
    parts = [torch.randn(4, 3, 8, 8, dtype=torch.float64) for _ in range(3)]
    labels = torch.tensor([[0, 1, 2, 0]] * 3)
    found = updated(started(cells, seeds), cells, torch.cat(parts, 1), labels)
    cut = 0
    for r, limit in enumerate((0.01, 0.5, math.inf)):
        alone = started(cells[r:], seeds[r : r + 1])
        grads = gradients(Step(alone, cells[r : r + 1]), parts[r], labels[:1])
        for (name, p), g, ours in zip(alone.named_parameters(), grads, found, strict=True):
            last = name.startswith("classifier")
            expected = g if last else clipped_by_unit(g, p.detach(), limit)
            cut += not torch.equal(expected, g)
            torch.testing.assert_close(ours.chunk(3)[r], expected, rtol=1e-9, atol=1e-12)
    assert cut >= 10


@pytest.mark.parametrize("model", [*(m for m in MAKERS if m != "resnet18"), "resnet20"])
def test_the_classifier_of_every_network_is_found(model):
    net = network(spec(model=model, norm="ln"), DATA.info, [1, 2], zero_gamma=False)
    names = [name for name, _ in net.named_parameters()]
    last = {names[number].rpartition(".")[0] for number in of_the_classifier(net)}
    assert last == {"fc" if model == "gnresnet" else "classifier"}


def test_a_network_that_ends_otherwise_is_an_input_error(monkeypatch):
    class Headless(nn.Module):
        def __init__(self, norm):
            super().__init__()
            self.norm = norm(3)

        def forward(self, x):
            return self.norm(x).mean((2, 3))

    monkeypatch.setitem(MAKERS, "vgg", lambda channels, classes, norm: Headless(norm))
    with pytest.raises(InputError, match="no layer of the network has weights for each class"):
        Training(spec(model="vgg", norm="ln", grad_clip="agc"), [1], DATA)


@pytest.mark.parametrize("kind", CLIPPED)
def test_a_seed_is_the_same_to_the_bit_in_any_pack(kind):
    hold_to_one_by_one(spec(batch_size=8, epochs=EPOCHS, **kind), [[3, 1, 2]], DATA)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("kind", CLIPPED)
def test_so_it_is_with_larger_batches_and_two_threads(kind, optimizer, threads):
    threads(2)
    cell = spec(batch_size=16, epochs=EPOCHS, optimizer=optimizer, **kind)
    hold_to_one_by_one(cell, [[5, 4, 3, 2, 1]], toy_data(n=35))


def test_a_mixed_pack_is_its_solo_runs_to_the_bit():
    """Those that are not clipped too."""
    cells = [spec(batch_size=8, **kind) for kind in ({}, *CLIPPED, {"grad_clip": "norm", "lr": 0.3})]
    packed = Training(cells, [1, 2, 3, 4], DATA)
    together = [packed.run_epoch() for _ in range(2)]
    for r, (cell, state) in enumerate(zip(cells, packed.state(), strict=True)):
        alone = Training([cell], [r + 1], DATA)
        assert [alone.run_epoch()[0] for _ in range(2)] == [metrics[r] for metrics in together]
        assert all(torch.equal(state["weights"][k], v) for k, v in alone.state()[0]["weights"].items())


@pytest.mark.parametrize("kind", CLIPPED)
def test_a_replica_that_diverges_leaves_the_others_bit_for_bit(kind):
    healthy, ill = (Training(spec(**kind), [1, 2, 3], DATA) for _ in range(2))
    states = ill.state()
    states[1]["weights"]["conv.weight"][0, 0, 0, 0] = math.nan
    ill.load_state(states)
    for _ in range(2):
        expected, found = healthy.run_epoch(), ill.run_epoch()
        assert (found[0], found[2]) == (expected[0], expected[2])
        assert math.isnan(found[1].train_loss)


@pytest.mark.parametrize("huge", [math.inf, math.nan, 1e30])
def test_replicas_that_are_not_clipped_keep_even_what_overflows(huge):
    leaf = torch.ones(2, 4)
    grad = torch.tensor([huge, 1.0, -0.0, 3.0, 1.0, 1.0, 1.0, 1.0])
    for kind in CLIPPED:
        (clipped,) = Clip([leaf], 2, [spec(), spec(**kind)])([grad])
        assert torch.equal(clipped[:4].nan_to_num(7.0), grad[:4].nan_to_num(7.0))
        assert clipped[4:].norm() < grad[4:].norm()


@pytest.mark.parametrize("kind", CLIPPED)
def test_captured_steps_are_clipped_alike(kind):
    cells = [spec(**kind), spec()]
    looped, captured = (Training(cells, [1, 2], DATA, graphs=graphs) for graphs in (None, Calls(3)))
    for _ in range(2):
        assert looped.run_epoch() == captured.run_epoch()


def test_where_it_clips_goes_without_saying():
    assert [spec(grad_clip=kind).clip_at for kind in ("none", "norm", "agc")] == [None, 1.0, 0.01]
    assert spec(grad_clip="agc").name == "bn, batch 4, clip agc"
    assert spec(grad_clip="agc", clip_at=0.2).name == "bn, batch 4, clip agc, at 0.2"
    assert spec(grad_clip="agc", clip_at=0.2).shared == spec().shared


def test_gradients_themselves_are_left_as_they_are():
    """Two weights may have one gradient, which would be clipped twice."""
    leaf, grad = torch.ones(2, 3), torch.full((6,), 5.0)
    kept = copy.copy(grad.tolist())
    for kind in CLIPPED:
        first, second = Clip([leaf, leaf], 2, [spec(**kind)] * 2)([grad, grad])
        assert torch.equal(first, second)
        assert grad.tolist() == kept
