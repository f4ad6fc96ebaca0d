"""Weight standardisation against numpy, and in a network that uses it."""

import dataclasses

import numpy as np
import pytest
import torch

from model.net.resnet import Conv, ResNet
from model.net.standardise import EPS, standardised
from model.spec import Spec


def by_hand(weight):
    mean, var = (f(weight, (1, 2, 3), keepdims=True) for f in (np.mean, np.var))
    return (weight - mean) / np.sqrt(var + EPS)


def test_forward_and_backward():
    """The gradient by central differences of numpy's."""
    torch.manual_seed(0)
    weight = torch.randn(6, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    towards = torch.randn_like(weight)
    out = standardised(weight)
    np.testing.assert_allclose(out.detach().numpy(), by_hand(weight.detach().numpy()))
    (out * towards).sum().backward()
    found = np.zeros(weight.numel())
    for place in range(weight.numel()):
        ends = []
        for step in (1e-6, -1e-6):
            moved = weight.detach().numpy().copy()
            moved.flat[place] += step
            ends.append((by_hand(moved) * towards.numpy()).sum())
        found[place] = (ends[0] - ends[1]) / 2e-6
    np.testing.assert_allclose(weight.grad.numpy().ravel(), found, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("shortcut", ["projection", "identity"])
def test_every_convolution_of_a_network_has_it(shortcut):
    spec = Spec(norm="gn", groups=8, batch_size=4, epochs=1, shortcut=shortcut)
    for wanted in (True, False):
        net = ResNet(dataclasses.replace(spec, weight_standardization=wanted), 3, 10)
        assert {conv.standardise for conv in net.modules() if isinstance(conv, Conv)} == {wanted}


def test_a_convolution_with_it_does_not_see_the_scale_of_its_weights():
    conv = Conv(3, 4, 3, 1, 2, standardise=True).double()
    torch.nn.init.normal_(conv.weight)
    x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    before = conv(x)
    with torch.no_grad():
        conv.weight.mul_(3).add_(1)
    torch.testing.assert_close(conv(x), before, rtol=1e-4, atol=1e-4)
