"""Batch and group norm, the addition of a shortcut and ReLU in one kernel of ours each way.

At small batches a step is bound by how many kernels it has, at large ones by memory: torch's own way reads
and writes the activations once more for the addition and once more for ReLU, and needs five kernels or so for
the gradient of a group norm. All in NCHW and float32. A sum has one order, so a step repeats to the last bit.

y = act(norm(x)·γ + β + shortcut), where the shortcut and the activation may be missing. The gradient of ReLU
is taken from y, which the next layer keeps anyway. Imported only where they are used: they need Triton.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.net.convolution_kernels import countable, runs_on

#: Elements of a group of one image at most, which one program holds.
MOST = 8192
#: Elements of a batch norm's channel that one program reads at once.
_BLOCK = 4096
#: Elements that a warp takes at once.
_PER_WARP = 512


@triton.jit  # type: ignore[untyped-decorator]
def _finish(y, added_ptr, at, mask, ADDED: tl.constexpr, RELU: tl.constexpr):  # type: ignore[no-untyped-def]
    """The shortcut and ReLU. What is not a number stays so, as in torch."""
    if ADDED:
        y += tl.load(added_ptr + at, mask=mask, other=0.0)
    if RELU:
        y = tl.where(y < 0, 0.0, y)
    return y


@triton.jit  # type: ignore[untyped-decorator]
def _come(grad_ptr, y_ptr, at, mask, RELU: tl.constexpr):  # type: ignore[no-untyped-def]
    """The gradient before ReLU."""
    grad = tl.load(grad_ptr + at, mask=mask, other=0.0)
    if RELU:
        grad = tl.where(tl.load(y_ptr + at, mask=mask, other=1.0) <= 0, 0.0, grad)
    return grad


@triton.jit(do_not_specialize=["groups"])  # type: ignore[untyped-decorator]
def _group(  # type: ignore[no-untyped-def]
    x_ptr,
    added_ptr,
    y_ptr,
    weight_ptr,
    bias_ptr,
    mean_ptr,
    rstd_ptr,
    groups,
    eps,
    C: tl.constexpr,
    S: tl.constexpr,
    ADDED: tl.constexpr,
    RELU: tl.constexpr,
):
    program = tl.program_id(0)
    channel = tl.arange(0, C)[:, None]
    at = program.to(tl.int64) * (C * S) + channel * S + tl.arange(0, S)[None, :]
    x = tl.load(x_ptr + at)
    mean = tl.sum(tl.sum(x, 1), 0) / (C * S)
    apart = x - mean
    variance = tl.sum(tl.sum(apart * apart, 1), 0) / (C * S)
    rstd = 1.0 / tl.sqrt(variance + eps)
    first = (program % groups) * C
    y = apart * rstd * tl.load(weight_ptr + first + channel) + tl.load(bias_ptr + first + channel)
    tl.store(y_ptr + at, _finish(y, added_ptr, at, at >= 0, ADDED, RELU))
    tl.store(mean_ptr + program, mean)
    tl.store(rstd_ptr + program, rstd)


@triton.jit(do_not_specialize=["groups", "rows"])  # type: ignore[untyped-decorator]
def _group_back(  # type: ignore[no-untyped-def]
    grad_ptr,
    x_ptr,
    y_ptr,
    weight_ptr,
    mean_ptr,
    rstd_ptr,
    dx_ptr,
    dadded_ptr,
    parts_ptr,
    groups,
    rows,
    C: tl.constexpr,
    S: tl.constexpr,
    ADDED: tl.constexpr,
    RELU: tl.constexpr,
):
    program = tl.program_id(0)
    channels = tl.arange(0, C)
    at = program.to(tl.int64) * (C * S) + channels[:, None] * S + tl.arange(0, S)[None, :]
    grad = _come(grad_ptr, y_ptr, at, at >= 0, RELU)
    if ADDED:
        tl.store(dadded_ptr + at, grad)
    mean = tl.load(mean_ptr + program)
    rstd = tl.load(rstd_ptr + program)
    normed = (tl.load(x_ptr + at) - mean) * rstd
    weight = tl.load(weight_ptr + (program % groups) * C + channels)
    by_weight = tl.sum(grad * normed, 1)
    by_bias = tl.sum(grad, 1)
    along = tl.sum(by_weight * weight, 0) / (C * S)
    level = tl.sum(by_bias * weight, 0) / (C * S)
    tl.store(dx_ptr + at, rstd * (grad * weight[:, None] - level - normed * along))
    # [2, N, channels]: of γ and of β, summed over pictures afterwards
    tl.store(parts_ptr + program * C + channels, by_weight)
    tl.store(parts_ptr + rows * C + program * C + channels, by_bias)


@triton.jit(do_not_specialize=["channels", "count"])  # type: ignore[untyped-decorator]
def _batch(  # type: ignore[no-untyped-def]
    x_ptr,
    added_ptr,
    y_ptr,
    weight_ptr,
    bias_ptr,
    mean_ptr,
    rstd_ptr,
    running_mean_ptr,
    running_var_ptr,
    channels,
    count,  # elements of a channel: N·S
    momentum,
    eps,
    S: tl.constexpr,
    BLOCK: tl.constexpr,
    ADDED: tl.constexpr,
    RELU: tl.constexpr,
):
    channel = tl.program_id(0)
    sums = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, count, BLOCK):
        number = start + tl.arange(0, BLOCK)
        at = (number // S * channels + channel) * S + number % S
        sums += tl.load(x_ptr + at, mask=number < count, other=0.0)
    mean = tl.sum(sums, 0) / count
    sums = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, count, BLOCK):
        number = start + tl.arange(0, BLOCK)
        at = (number // S * channels + channel) * S + number % S
        apart = tl.load(x_ptr + at, mask=number < count, other=0.0) - mean
        sums += tl.where(number < count, apart * apart, 0.0)
    variance = tl.sum(sums, 0) / count
    rstd = 1.0 / tl.sqrt(variance + eps)
    weight = tl.load(weight_ptr + channel)
    bias = tl.load(bias_ptr + channel)
    for start in range(0, count, BLOCK):
        number = start + tl.arange(0, BLOCK)
        at = (number // S * channels + channel) * S + number % S
        y = (tl.load(x_ptr + at, mask=number < count, other=0.0) - mean) * rstd * weight + bias
        tl.store(y_ptr + at, _finish(y, added_ptr, at, number < count, ADDED, RELU), mask=number < count)
    tl.store(mean_ptr + channel, mean)
    tl.store(rstd_ptr + channel, rstd)
    before = tl.load(running_mean_ptr + channel)
    tl.store(running_mean_ptr + channel, (1 - momentum) * before + momentum * mean)
    before = tl.load(running_var_ptr + channel)
    unbiased = variance * count / (count - 1)
    tl.store(running_var_ptr + channel, (1 - momentum) * before + momentum * unbiased)


@triton.jit(do_not_specialize=["channels", "count"])  # type: ignore[untyped-decorator]
def _batch_back(  # type: ignore[no-untyped-def]
    grad_ptr,
    x_ptr,
    y_ptr,
    weight_ptr,
    mean_ptr,
    rstd_ptr,
    dx_ptr,
    dadded_ptr,
    dweight_ptr,
    dbias_ptr,
    channels,
    count,
    S: tl.constexpr,
    BLOCK: tl.constexpr,
    ADDED: tl.constexpr,
    RELU: tl.constexpr,
):
    channel = tl.program_id(0)
    mean = tl.load(mean_ptr + channel)
    rstd = tl.load(rstd_ptr + channel)
    along = tl.zeros((BLOCK,), dtype=tl.float32)
    level = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, count, BLOCK):
        number = start + tl.arange(0, BLOCK)
        at = (number // S * channels + channel) * S + number % S
        grad = _come(grad_ptr, y_ptr, at, number < count, RELU)
        along += grad * (tl.load(x_ptr + at, mask=number < count, other=0.0) - mean) * rstd
        level += grad
    by_weight = tl.sum(along, 0)
    by_bias = tl.sum(level, 0)
    scale = tl.load(weight_ptr + channel) * rstd
    for start in range(0, count, BLOCK):
        number = start + tl.arange(0, BLOCK)
        at = (number // S * channels + channel) * S + number % S
        grad = _come(grad_ptr, y_ptr, at, number < count, RELU)
        if ADDED:
            tl.store(dadded_ptr + at, grad, mask=number < count)
        normed = (tl.load(x_ptr + at, mask=number < count, other=0.0) - mean) * rstd
        dx = scale * (grad - by_bias / count - normed * by_weight / count)
        tl.store(dx_ptr + at, dx, mask=number < count)
    tl.store(dweight_ptr + channel, by_weight)
    tl.store(dbias_ptr + channel, by_bias)


def fits(x: Tensor, groups: int | None = None) -> bool:
    """Whether these kernels take it: float32, NCHW, places that 32 bits can count; of a group norm sizes that
    are powers of two and small."""
    usual = runs_on(x) and x.dtype == torch.float32 and countable(x)
    if groups is None:
        return usual
    size, per = x.shape[2] * x.shape[3], x.shape[1] // groups
    powers = all(number and number & (number - 1) == 0 for number in (size, per))
    return usual and powers and size * per <= MOST


class GroupNormFunction(torch.autograd.Function):
    """x, shortcut or None, γ, β, groups, ε, whether ReLU follows; `fits` must hold."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        added: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        groups: int,
        eps: float,
        relu: bool,
    ) -> Tensor:
        rows, per, size = x.shape[0] * groups, x.shape[1] // groups, x.shape[2] * x.shape[3]
        y, mean, rstd = torch.empty_like(x), x.new_empty(rows), x.new_empty(rows)
        added = None if added is None else added.contiguous()
        _group[(rows,)](
            x, added, y, weight, bias, mean, rstd, groups, eps, per, size, added is not None, relu,
            num_warps=_warps(per * size),
        )  # fmt: skip
        ctx.save_for_backward(x, y if relu else None, weight, mean, rstd)
        ctx.groups, ctx.relu, ctx.added = groups, relu, added is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y, weight, mean, rstd = ctx.saved_tensors
        per, size = x.shape[1] // ctx.groups, x.shape[2] * x.shape[3]
        dx, dadded = torch.empty_like(x), torch.empty_like(x) if ctx.added else None
        parts = x.new_empty(2, *x.shape[:2])
        _group_back[(len(mean),)](
            grad.contiguous(), x, y, weight, mean, rstd, dx, dadded, parts, ctx.groups, len(mean), per, size,
            ctx.added, ctx.relu, num_warps=_warps(per * size),
        )  # fmt: skip
        by_weight, by_bias = parts.sum(1).unbind()
        return dx, dadded, by_weight, by_bias, None, None, None


class BatchNormFunction(torch.autograd.Function):
    """x, shortcut or None, γ, β, running mean and variance, momentum, ε, whether ReLU follows; `fits` must
    hold. In training: by the batch's statistics, which the running ones take in, the variance unbiased."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        added: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor,
        running_var: Tensor,
        momentum: float,
        eps: float,
        relu: bool,
    ) -> Tensor:
        channels, size = x.shape[1], x.shape[2] * x.shape[3]
        y, mean, rstd = torch.empty_like(x), x.new_empty(channels), x.new_empty(channels)
        added = None if added is None else added.contiguous()
        block = _block(len(x) * size)
        _batch[(channels,)](
            x, added, y, weight, bias, mean, rstd, running_mean, running_var, channels, len(x) * size,
            momentum, eps, size, block, added is not None, relu, num_warps=_warps(block),
        )  # fmt: skip
        ctx.save_for_backward(x, y if relu else None, weight, mean, rstd)
        ctx.relu, ctx.added = relu, added is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y, weight, mean, rstd = ctx.saved_tensors
        channels, size = x.shape[1], x.shape[2] * x.shape[3]
        dx, dadded = torch.empty_like(x), torch.empty_like(x) if ctx.added else None
        by_weight, by_bias = torch.empty_like(weight), torch.empty_like(weight)
        block = _block(len(x) * size)
        _batch_back[(channels,)](
            grad.contiguous(), x, y, weight, mean, rstd, dx, dadded, by_weight, by_bias, channels,
            len(x) * size, size, block, ctx.added, ctx.relu, num_warps=_warps(block),
        )  # fmt: skip
        return dx, dadded, by_weight, by_bias, *(None,) * 5


def _block(count: int) -> int:
    return min(_BLOCK, int(triton.next_power_of_2(count)))


def _warps(elements: int) -> int:
    return max(1, min(8, int(triton.next_power_of_2(elements)) // _PER_WARP))
