"""Our convolutions under Triton's interpreter, beside torch's in float64."""

import pytest

from tests.helpers.interpreted import said

pytest.importorskip("triton")

CODE = """
import torch
from torch.nn import functional as F
from model.net.convolution_kernels import convolve, fits
torch.manual_seed(0)
# images, replicas, channels in and out, height, kernel, stride
for n, r, i, o, h, k, s in (
    (2, 2, 16, 16, 4, 3, 1), (1, 2, 16, 32, 6, 3, 2), (1, 2, 3, 16, 5, 3, 1), (1, 2, 16, 32, 4, 1, 2),
    (1, 1, 48, 80, 3, 3, 1), (3, 1, 16, 16, 5, 3, 2),
):
    x, w = torch.randn(n, r * i, h, h).requires_grad_(), torch.randn(r * o, i, k, k).requires_grad_()
    assert fits(x)
    ours, theirs = convolve(x, w, s, r), F.conv2d(x.double(), w.double(), None, s, k // 2, 1, r)
    grad = torch.randn_like(ours)
    pairs = [(ours, theirs)]
    pairs += zip(torch.autograd.grad(ours, (x, w), grad), torch.autograd.grad(theirs, (x, w), grad.double()))
    for a, b in pairs:
        torch.testing.assert_close(a.double(), b.double(), rtol=1e-5, atol=1e-4)
assert not fits(x.double()) and not fits(torch.randn(2, 4, 8, 8).contiguous(memory_format=torch.channels_last))

# A replica that is not a number leaves the others alone.
x, w = torch.randn(2, 32, 4, 4), torch.randn(32, 16, 3, 3)
x[:, :16] = float("nan")
out = convolve(x, w, 1, 2)
assert out[:, :16].isnan().all() and out[:, 16:].isfinite().all()

# By rounded factors: torch's, of factors and gradients that are rounded before. A GPU's NaN has all its bits set.
x, w = torch.randn(1, 32, 4, 4).requires_grad_(), torch.randn(64, 16, 3, 3).requires_grad_()
ours = convolve(x, w, 2, 2, "bf16")
grad = torch.randn_like(ours)
a, b, g = (t.detach().bfloat16().double() for t in (x, w, grad))
theirs = F.conv2d(a.requires_grad_(), b.requires_grad_(), None, 2, 1, 1, 2)
pairs = [(ours, theirs), *zip(torch.autograd.grad(ours, (x, w), grad), torch.autograd.grad(theirs, (a, b), g))]
for one, other in pairs:
    torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)
ill = x.detach().clone()
ill.view(torch.int32)[:, :16] = 0x7FFFFFFF
out = convolve(ill, w.detach(), 1, 2, "bf16")
assert out[:, :32].isnan().all() and out[:, 32:].isfinite().all()

print("same")
"""


def test_they_are_torchs_convolutions_and_their_gradients():
    assert said(CODE) == "same"
