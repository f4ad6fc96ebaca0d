"""Group norm in two kernels of ours: torch takes three forward and five or so backward.

At small batches a step is bound by how many kernels it has, and half of a group norm network's are its
norms'. A group of a picture lies together in memory (NCHW) and fits into one program: loaded once, its
mean, variance and output come of registers. Imported only where it is used: it needs Triton.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Elements of a group at most.
MOST = 8192


@triton.jit  # type: ignore[untyped-decorator]
def _forward(  # type: ignore[no-untyped-def]
    x_ptr, y_ptr, weight_ptr, bias_ptr, mean_ptr, rstd_ptr, groups, eps, C: tl.constexpr, S: tl.constexpr
):
    program = tl.program_id(0)
    channel = tl.arange(0, C)[:, None]
    place = channel * S + tl.arange(0, S)[None, :]
    start = program.to(tl.int64) * (C * S)
    x = tl.load(x_ptr + start + place)
    mean = tl.sum(tl.sum(x, 1), 0) / (C * S)
    apart = x - mean
    variance = tl.sum(tl.sum(apart * apart, 1), 0) / (C * S)
    rstd = 1.0 / tl.sqrt(variance + eps)
    first = (program % groups) * C
    weight = tl.load(weight_ptr + first + channel)
    bias = tl.load(bias_ptr + first + channel)
    tl.store(y_ptr + start + place, apart * rstd * weight + bias)
    tl.store(mean_ptr + program, mean)
    tl.store(rstd_ptr + program, rstd)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(  # type: ignore[no-untyped-def]
    grad_ptr,
    x_ptr,
    weight_ptr,
    mean_ptr,
    rstd_ptr,
    dx_ptr,
    parts_ptr,
    groups,
    rows,
    C: tl.constexpr,
    S: tl.constexpr,
):
    program = tl.program_id(0)
    channels = tl.arange(0, C)
    place = channels[:, None] * S + tl.arange(0, S)[None, :]
    start = program.to(tl.int64) * (C * S)
    grad = tl.load(grad_ptr + start + place)
    mean = tl.load(mean_ptr + program)
    rstd = tl.load(rstd_ptr + program)
    normed = (tl.load(x_ptr + start + place) - mean) * rstd
    weight = tl.load(weight_ptr + (program % groups) * C + channels)
    by_weight = tl.sum(grad * normed, 1)
    by_bias = tl.sum(grad, 1)
    along = tl.sum(by_weight * weight, 0) / (C * S)
    level = tl.sum(by_bias * weight, 0) / (C * S)
    tl.store(dx_ptr + start + place, rstd * (grad * weight[:, None] - level - normed * along))
    # [2, N, channels]: of γ and of β, summed over pictures afterwards
    tl.store(parts_ptr + program * C + channels, by_weight)
    tl.store(parts_ptr + rows * C + program * C + channels, by_bias)


def fits(x: Tensor, groups: int) -> bool:
    """Whether these kernels take it: float32, NCHW, sizes that are powers of two and small."""
    size, per = x.shape[2] * x.shape[3], x.shape[1] // groups
    powers = all(number and number & (number - 1) == 0 for number in (size, per))
    return powers and size * per <= MOST and x.dtype == torch.float32 and x.is_contiguous()


class GroupNormFunction(torch.autograd.Function):
    """x, weight, bias, groups, eps; `fits` must hold."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        rows, per, size = x.shape[0] * groups, x.shape[1] // groups, x.shape[2] * x.shape[3]
        y = torch.empty_like(x)
        mean, rstd = x.new_empty(rows), x.new_empty(rows)
        _forward[(rows,)](x, y, weight, bias, mean, rstd, groups, eps, per, size)
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.groups = groups
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        per, size = x.shape[1] // ctx.groups, x.shape[2] * x.shape[3]
        dx = torch.empty_like(x)
        parts = x.new_empty(2, *x.shape[:2])
        _backward[(len(mean),)](
            grad.contiguous(), x, weight, mean, rstd, dx, parts, ctx.groups, len(mean), per, size
        )
        by_weight, by_bias = parts.sum(1).unbind()
        return dx, by_weight, by_bias, None, None
