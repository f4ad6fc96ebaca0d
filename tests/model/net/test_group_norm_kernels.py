"""Our group norm kernels under Triton's interpreter, beside torch's. In a process of its own: Triton reads
its switch when it is imported."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

CODE = """
import sys, torch
from torch.nn import functional as F
from model.net.group_norm_kernels import GroupNormFunction, fits
torch.manual_seed(0)
for n, channels, groups, size in ((2, 80, 40, 8), (3, 32, 8, 4), (1, 64, 64, 2), (2, 16, 2, 16)):
    x = (3 * torch.randn(n, channels, size, size) + 1).requires_grad_()
    weight, bias = torch.randn(channels).requires_grad_(), torch.randn(channels).requires_grad_()
    assert fits(x, groups)
    ours, theirs = GroupNormFunction.apply(x, weight, bias, groups, 1e-5), F.group_norm(x, groups, weight, bias, 1e-5)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(x)
    for a, b in zip(*(torch.autograd.grad(y, (x, weight, bias), grad) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
x = torch.randn(2, 16, 8, 8)
assert not fits(x.double(), 8) and not fits(torch.randn(2, 24, 8, 8), 8) and not fits(torch.randn(2, 16, 7, 7), 8)
assert not fits(x.contiguous(memory_format=torch.channels_last), 8)
print("same")
"""


def test_they_are_torchs_group_norm_and_its_gradients():
    here = os.path.dirname(__file__)
    path = os.pathsep.join([here, os.path.dirname(os.path.dirname(here))])
    found = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.stdout.strip() == "same", found.stderr[-2000:]
