"""The axes of normalisation in training: they reach the layers, and packs stay what they were."""

import math

import pytest
import torch
from torch.nn import functional as F

from model.net.init import initialise
from model.net.norms.layer import Affine, BatchStatistics
from model.net.resnet import ResNet
from model.training.training import Training
from tests.helpers.cells import spec, toy_data
from tests.helpers.replica_rule import registered
from tests.model.training.test_packs import EPOCHS, hold_to_one_by_one

CELLS = [
    {"norm": "bn", "norm_batch": 4, "norm_momentum": 0.3},
    {"norm": "brn", "norm_batch": 8},
    {"norm": "bn", "weight_standardization": True, "eps": 1e-3},
    {"norm": "gn", "groups": 4, "weight_standardization": True},
]


@pytest.mark.parametrize("axes", CELLS)
def test_a_seed_is_the_same_to_the_bit_in_any_pack(axes):
    hold_to_one_by_one(spec(batch_size=16, epochs=EPOCHS, **axes), [[2, 1], [3, 1, 2]], toy_data(n=35))


def test_they_reach_every_layer():
    net = Training(spec(norm="bn", norm_batch=2, norm_momentum=0.3, eps=1e-3), [1, 2], toy_data()).net
    layers = [layer for layer in net.modules() if isinstance(layer, BatchStatistics)]
    assert len(layers) == 21  # one for each of the 19 convolutions, and the two projections
    assert {(of.settings.norm_batch, of.settings.momentum, of.settings.eps) for of in layers} == {
        (2, 0.3, 1e-3)
    }


@pytest.mark.parametrize(
    ("norm", "eps", "momentum"),
    [("bn", 1e-5, 0.1), ("frn", 1e-6, None), ("brn", 1e-5, 0.01), ("dyt", None, None)],
)
def test_what_is_not_said_is_the_papers_own(norm, eps, momentum):
    cell = spec(norm=norm)
    assert (cell.eps, cell.norm_momentum) == (eps, momentum)
    layers = [m.settings for m in Training(cell, [1], toy_data()).net.modules() if isinstance(m, Affine)]
    assert {of.eps for of in layers} == {eps or 1e-5}
    assert {of.momentum for of in layers} == {momentum or 0.1}


def test_ghost_batches_of_the_whole_batch_are_batch_norm():
    data = toy_data()
    ghost, plain = (Training(spec(norm_batch=size), [1], data, dtype=torch.float64) for size in (4, None))
    assert ghost.run_epoch() == plain.run_epoch()


@pytest.mark.parametrize(("norm", "groups"), registered())
def test_every_norm_learns(norm, groups):
    """Thirty steps on one batch of noise, two replicas: the loss of each falls below a half of guessing's."""
    net = ResNet(spec(norm=norm, groups=groups), 3, 3, replicas=2)
    initialise(net, [1, 2], zero_gamma=True)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    images = torch.empty(6, 3, 8, 8).normal_(generator=torch.Generator().manual_seed(0)).repeat(1, 2, 1, 1)
    labels = torch.arange(6) % 3
    for _ in range(30):
        losses = torch.stack([F.cross_entropy(logits, labels) for logits in net(images)])
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
    assert losses.max() < math.log(3) / 2, losses
