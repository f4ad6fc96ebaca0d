"""Convolutions with an order of their own, against torch's in float64, and by themselves where kernels disagree."""

import pytest
import torch

from model.net import ordered
from model.net.convolution import grouped
from model.net.ordered import Ordered

LAYOUTS = [torch.channels_last, torch.contiguous_format]
SHAPES = [(1, 4, 3, 1), (3, 16, 3, 1), (16, 16, 3, 1), (16, 32, 3, 2), (16, 32, 1, 2)]


def passes(convolve, replicas, shape, layout, dtype):
    """Output and gradients of a convolution of I to O channels, kernel and stride, on 7×6 pixels."""
    inputs, outputs, size, stride = shape
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(4, replicas * inputs, 7, 6, generator=generator)
    weight = torch.randn(replicas * outputs, inputs, size, size, generator=generator)
    x, weight = (t.to(dtype, memory_format=layout).requires_grad_() for t in (x, weight))
    out = convolve(x, weight, stride, replicas)
    grad = torch.randn(out.shape, generator=generator).to(out)
    return [out.detach(), *torch.autograd.grad(out, (x, weight), grad)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_it_is_the_grouped_convolution(replicas, shape, layout):
    found = passes(Ordered(layout), replicas, shape, layout, torch.float32)
    expected = passes(grouped, replicas, shape, layout, torch.float64)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_grouped_convolution_one_by_one_where_kernels_never_agree(shape, monkeypatch):
    """The last way of each pass, replica by replica, in float64."""
    monkeypatch.setattr(ordered, "agrees", lambda way, case, replicas: False)
    ordered.choose.cache_clear()
    try:
        found = passes(Ordered(LAYOUTS[0]), 3, shape, LAYOUTS[0], torch.float64)
    finally:
        ordered.choose.cache_clear()
    expected = passes(grouped, 3, shape, LAYOUTS[0], torch.float64)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_way_whose_sums_depend_on_the_pack_is_found_out():
    def in_another_order(given, replicas):
        out = ordered.FORWARD[0](given, replicas)
        return out if replicas < 3 else out * (1 + 2**-23)

    case = ordered.Case((2, 3, 4, 4), 5, 3, 1, torch.float32, LAYOUTS[0], 1, True)
    assert ordered.agrees(in_another_order, case, 2)
    assert not ordered.agrees(in_another_order, case, 3)
    chosen = ordered.choose((in_another_order,), case, 2)
    assert chosen.together
    assert not ordered.choose((in_another_order,), case, 3).together


def test_the_way_is_chosen_by_the_case_and_not_by_the_pack():
    case = ordered.Case((4, 16, 8, 8), 16, 3, 1, torch.float32, LAYOUTS[0], 1, True)
    for ways in (ordered.FORWARD, ordered.INPUT_STRIDE_1, ordered.WEIGHT):
        assert len({ordered.choose(ways, case, replicas).way for replicas in (1, 2, 3, 5, 7)}) == 1
