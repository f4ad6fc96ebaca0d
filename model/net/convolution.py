"""Ways to compute the convolutions of R replicas: which one wins is for a benchmark to say.

`grouped`: one convolution with R groups, the default. What a library does with many groups of few
channels decides how good that is: oneDNN does well, cuDNN has a name for doing badly.

`matmul`: one batched matrix product over the replicas. A batch is gathered into rows of what the kernel
sees at each place, [R, N·H'·W', k·k·I], and multiplied with [R, k·k·I, O]. More memory is moved, but in
few and simple kernels, and the product runs on tensor cores where there are any. The layout is
channels-last: products are written where they belong, and nothing is turned round.

`streams`: every replica a network of its own, in its own stream (`model.net.branches`).

`triton`: one kernel of ours a convolution (`model.net.convolution_kernels`), the default for small batches on
a GPU where they compile; group norms are then in kernels of ours too (`model.net.group_norm_kernels`).

All four give the same numbers up to the order of sums, so none of this is part of a trial's identity.
"""

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Convolution = Literal["grouped", "matmul", "streams", "triton"]
#: (x, weight, stride, replicas) -> the convolved
Convolve = Callable[[Tensor, Tensor, int, int], Tensor]
CONVOLUTIONS: tuple[str, ...] = get_args(Convolution)


def grouped(x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
    """[N, R·I, H, W] and [R·O, I, k, k], k odd, to [N, R·O, ⌈H/stride⌉, ⌈W/stride⌉]."""
    return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, replicas)


def triton(x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
    """The same as `grouped`, in one kernel of ours where it takes these tensors."""
    kernels = _kernels()
    ours = kernels is not None and kernels.fits(x)
    return (kernels.convolve if kernels and ours else grouped)(x, weight, stride, replicas)


#: Up to so many places of a replica's batch our kernels win; cuDNN's are faster beyond. A step of five
#: replicas of ResNet-20 on 32×32 pixels, H100, torch 2.11, cuDNN 9.19, ours and cuDNN's in ms: batch 2
#: BN 1.24 and 2.17, GN 1.20 and 2.33; batch 32 BN 6.42 and 4.96, GN 6.01 and 5.27. In between interpolated.
TRITON_PLACES = 4 * 32 * 32


def usual(device: torch.device, dtype: torch.dtype, places: int) -> Convolution:
    """The faster way as far as was measured. `places`: pixels of a batch of one replica.

    Chosen by the cell and not by the pack, so that a seed has the same kernels in any company.
    """
    if device.type != "cuda" or dtype != torch.float32 or places > TRITON_PLACES or trouble(device):
        return "grouped"
    return "triton"


def trouble(device: torch.device) -> str | None:
    """Why kernels of ours cannot be used on this GPU; None where they can."""
    kernels = _kernels()
    return "Triton is not installed" if kernels is None else kernels.trouble(device)


@functools.cache
def _kernels() -> ModuleType | None:
    """Our kernels, where there is Triton."""
    try:
        return importlib.import_module("model.net.convolution_kernels")
    except ImportError:
        return None


def matmul(x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
    """The same as `grouped`, as one batched product; channels-last whatever the layout of `x`."""
    kind = x.device.type
    if torch.is_autocast_enabled(kind):  # products with out= are not autocast by themselves
        dtype = torch.get_autocast_dtype(kind)
        x, weight = x.to(dtype), weight.to(dtype)
    out: Tensor = _Product.apply(x, weight, stride, replicas)
    return out


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
        rows = _rows(x, weight.shape[-1], stride, replicas)
        ctx.save_for_backward(rows, weight)
        ctx.shape, ctx.stride = x.shape, stride
        kernel = _flat(weight, replicas).flatten(2).transpose(1, 2)
        return _multiply(rows, kernel, x.shape[0], -(-x.shape[2] // stride), -(-x.shape[3] // stride))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        rows, weight = ctx.saved_tensors
        replicas = len(rows)
        places = grad.permute(0, 2, 3, 1).reshape(rows.shape[1], replicas, -1).transpose(0, 1)
        grad_weight = torch.bmm(places.transpose(1, 2), rows)
        outputs, inputs, size, _ = weight.shape
        grad_weight = grad_weight.view(outputs, size, size, inputs).permute(0, 3, 1, 2)
        if not ctx.needs_input_grad[0]:
            return None, grad_weight, None, None
        # The input's gradient is a convolution too: of the output's, with the kernels turned round.
        n, _, height, width = ctx.shape
        if ctx.stride > 1:
            spread = grad.new_zeros(n, height, width, outputs).permute(0, 3, 1, 2)
            spread[:, :, :: ctx.stride, :: ctx.stride] = grad
            grad = spread
        turned = _flat(weight, replicas).flip(2, 3).permute(0, 2, 3, 1, 4).flatten(1, 3)
        return _multiply(_rows(grad, size, 1, replicas), turned, n, height, width), grad_weight, None, None


def _flat(weight: Tensor, replicas: int) -> Tensor:
    """[R·O, I, k, k] as [R, O, k, k, I], a view of channels-last memory."""
    weight = weight.permute(0, 2, 3, 1)
    return weight.view(replicas, -1, *weight.shape[1:])


def _rows(x: Tensor, size: int, stride: int, replicas: int) -> Tensor:
    """What a kernel sees at each place: [R, N·H'·W', k·k·I], one copy."""
    x = x.permute(0, 2, 3, 1)
    if pad := size // 2:
        x = F.pad(x, (0, 0, pad, pad, pad, pad))
    windows = x.unfold(1, size, stride).unfold(2, size, stride)
    n, height, width, _, *kernel = windows.shape
    windows = windows.view(n, height, width, replicas, -1, *kernel).permute(3, 0, 1, 2, 5, 6, 4)
    return windows.reshape(replicas, n * height * width, -1)


def _multiply(rows: Tensor, kernel: Tensor, n: int, height: int, width: int) -> Tensor:
    """[R, N·H·W, K] times [R, K, O], written into [N, R·O, H, W] in channels-last memory."""
    replicas, places, _ = rows.shape
    out = rows.new_empty(places, replicas, kernel.shape[2])
    torch.bmm(rows, kernel, out=out.transpose(0, 1))
    return out.view(n, height, width, -1).permute(0, 3, 1, 2)
