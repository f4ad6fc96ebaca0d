"""Our norm kernels under Triton's interpreter, beside torch's in float64."""

import pytest

from tests.helpers.interpreted import said

pytest.importorskip("triton")

AGAINST_TORCH = """
import itertools, torch
from torch.nn import functional as F
from model.net.norm_kernels import BatchNormFunction, GroupNormFunction, fits
torch.manual_seed(0)
shapes = (2, 80, 40, 8), (3, 32, 8, 4), (1, 64, 64, 2)
for (n, channels, groups, size), added, relu in itertools.product(shapes, (False, True), (False, True)):
    x = (3 * torch.randn(n, channels, size, size) + 1).requires_grad_()
    weight, bias = torch.randn(channels).requires_grad_(), torch.randn(channels).requires_grad_()
    shortcut = torch.randn_like(x).requires_grad_() if added else None
    assert fits(x, groups) and fits(x)

    def expected(norm):
        y = norm(x.double(), weight.double(), bias.double())
        y = y + shortcut.double() if added else y
        return F.relu(y) if relu else y

    running = torch.randn(channels), torch.rand(channels)
    theirs = [moment.double() for moment in running]
    pairs = [
        (
            GroupNormFunction.apply(x, shortcut, weight, bias, groups, 1e-5, relu),
            expected(lambda x, w, b: F.group_norm(x, groups, w, b, 1e-5)),
        ),
        (
            BatchNormFunction.apply(x, shortcut, weight, bias, *running, 0.1, 1e-5, relu),
            expected(lambda x, w, b: F.batch_norm(x, *theirs, w, b, True, 0.1, 1e-5)),
        ),
    ]
    leaves, grad = [x, weight, bias, *([shortcut] if added else [])], torch.randn_like(x)
    for ours, right in pairs:
        torch.testing.assert_close(ours.double(), right, rtol=1e-5, atol=1e-5)
        gradients = torch.autograd.grad(ours, leaves, grad), torch.autograd.grad(right, leaves, grad.double())
        for a, b in zip(*gradients, strict=True):
            torch.testing.assert_close(a.double(), b.double(), rtol=1e-4, atol=1e-4)
    for a, b in zip(running, theirs, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=1e-5)
x = torch.randn(2, 16, 8, 8)
assert not fits(x.double(), 8) and not fits(torch.randn(2, 24, 8, 8), 8) and not fits(torch.randn(2, 16, 7, 7), 8)
assert not fits(x.contiguous(memory_format=torch.channels_last), 8) and not fits(x.double())
assert fits(torch.randn(2, 24, 7, 7))
print("same")
"""

NOT_A_NUMBER = """
import torch
from model.net.norm_kernels import BatchNormFunction, GroupNormFunction
x = torch.randn(2, 32, 4, 4)
x[:, :16] = float("nan")
ones, zeros = torch.ones(32), torch.zeros(32)
for y in (
    GroupNormFunction.apply(x, x, ones, zeros, 8, 1e-5, True),
    BatchNormFunction.apply(x, x, ones, zeros, zeros.clone(), ones.clone(), 0.1, 1e-5, True),
):
    assert y[:, :16].isnan().all() and y[:, 16:].isfinite().all()
print("same")
"""

BLOCK = """
import torch
from model.net.resnet import ResidualBlock
from tests.helpers.cells import spec
torch.manual_seed(0)
for norm, groups, ghost in (("bn", None, None), ("gn", 4, None), ("bn", None, 2)):
    cell = spec(norm=norm, groups=groups, batch_size=4, norm_batch=ghost)
    blocks = [ResidualBlock(16, 32, 2, cell, 2) for _ in range(2)]
    blocks[1].load_state_dict(blocks[0].state_dict())
    for part in blocks[1].modules():
        part.fused = True
    x, grad = torch.randn(4, 32, 4, 4), torch.randn(4, 64, 2, 2)
    outs = [block(x) for block in blocks]
    torch.testing.assert_close(*outs, rtol=1e-5, atol=1e-5)
    grads = [torch.autograd.grad(out, list(block.parameters()), grad) for out, block in zip(outs, blocks)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    for a, b in zip(*(block.buffers() for block in blocks), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    for block in blocks:
        block.eval()
    torch.testing.assert_close(*(block(x) for block in blocks), rtol=1e-5, atol=1e-5)
print("same")
"""


@pytest.mark.parametrize("code", [AGAINST_TORCH, NOT_A_NUMBER, BLOCK], ids=["torch", "nan", "block"])
def test_they_are_torchs_norms_and_their_gradients(code):
    """The norm alone, with a shortcut, with ReLU, with both; in a block, with batch norm's statistics."""
    assert said(code) == "same"
