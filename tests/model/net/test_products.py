"""Products of rounded factors: torch's own bfloat16, by hand in float64, both ways."""

import torch
from torch.nn import functional as F

from model.bench.products import to_tf32
from model.net.convolution import convolve
from model.net.products import baddbmm, to_bf16


def test_the_nearest_bfloat16_and_tf32_of_every_size():
    x = torch.randn(1000) * 10.0 ** torch.arange(-20, 20).repeat_interleave(25)
    assert torch.equal(to_bf16(x), x.bfloat16().float())
    found = to_tf32(x)
    assert torch.equal(found.view(torch.int32) & 0x1FFF, torch.zeros(1000, dtype=torch.int32))
    assert float(((found - x) / x).abs().max()) <= 2.0**-11
    assert torch.equal(to_tf32(to_bf16(x)), to_bf16(x))


def test_a_convolution_and_its_gradients_are_those_of_rounded_factors():
    """Of the output, the input and the weights, in float64."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, 6, 8, 8).requires_grad_(), torch.randn(8, 3, 3, 3).requires_grad_()
    function = convolve("ordered", torch.contiguous_format, "bf16")
    found = function(x, weight, 1, 2)
    grad = torch.randn_like(found)
    a, b, g = (t.detach().bfloat16().double() for t in (x, weight, grad))
    expected = F.conv2d(a.requires_grad_(), b.requires_grad_(), None, 1, 1, 1, 2)
    pairs = [(found, expected)]
    pairs += zip(
        torch.autograd.grad(found, (x, weight), grad), torch.autograd.grad(expected, (a, b), g), strict=True
    )
    for one, other in pairs:
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)


def test_a_classifier_too():
    bias, x, weight = torch.randn(2, 1, 3), torch.randn(2, 4, 5), torch.randn(2, 5, 3)
    expected = bias.double() + x.bfloat16().double() @ weight.bfloat16().double()
    torch.testing.assert_close(baddbmm(bias, x, weight).double(), expected, rtol=1e-6, atol=1e-6)
