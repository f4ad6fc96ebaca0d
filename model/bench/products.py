"""Convolutions of R replicas as one batched matrix product each.

A batch is gathered into rows of what the kernel sees at each pixel of the output, [R, N·H'·W', k·k·I], and
multiplied with [R, k·k·I, O]. More memory is moved than by a grouped convolution, but in few and simple
kernels, and the product runs on tensor cores where there are any. The memory layout is channels-last:
products are written where they belong, and nothing is transposed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


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
