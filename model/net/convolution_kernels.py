"""Convolutions of R replicas in one kernel of ours each: cuDNN runs grouped float32 ones group by group.

H100, cuDNN 9.19, torch 2.11, ResNet-20, five replicas: 604 kernels a step, where the network has 60 products.
Here a convolution is an implicit matrix product (Chetlur et al. 2014, cuDNN, section 3): rows are places
(pixels of the output), columns output channels, and the sum goes over the kernel's taps and the input
channels. The replica is one more axis of the launch. NCHW throughout, so that neighbouring threads read
neighbouring places. Where it wins: `model.net.convolution.TRITON_PIXELS`.

A float32 product is three products on tensor cores, of the upper and lower halves of both factors, which
keeps float32's accuracy (Ootomo & Yokota 2022); where `tf32` is allowed it is one. Weight gradients are
summed in parts of a fixed order. Measured error against float64, norms of output, input's and weights'
gradient: 1.2e-7 to 2.2e-7, where cuDNN's float32 kernels have 2.1e-7 to 1.4e-6 (H100, 16 and 64 maps, batch
8). Imported only where used: it needs Triton.
"""

import functools
import os
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Triton's own switch, which it reads when it is imported: kernels run in Python, on any device.
_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
#: How float32 factors are multiplied where TF32 is not allowed: Triton's name.
FP32 = "tf32x3"
#: Programs that fill a large GPU; with fewer, tiles are half as high.
_PROGRAMS = 132
#: Programs of a weight gradient, which is cut along the places until there are about as many.
_PARTS = 512


@triton.jit(do_not_specialize=["images", "replicas"])  # type: ignore[untyped-decorator]
def _convolve(  # type: ignore[no-untyped-def]
    source_ptr,
    weight_ptr,
    target_ptr,
    images,
    replicas,
    S: tl.constexpr,  # channels of a replica in the source, and its height and width
    HS: tl.constexpr,
    WS: tl.constexpr,
    T: tl.constexpr,  # the same of the target
    HT: tl.constexpr,
    WT: tl.constexpr,
    K: tl.constexpr,
    STRIDE: tl.constexpr,
    TRANSPOSED: tl.constexpr,  # the input's gradient, from the output's
    PRECISION: tl.constexpr,
    BM: tl.constexpr,
    BS: tl.constexpr,
    BT: tl.constexpr,
):
    blocks: tl.constexpr = (T + BT - 1) // BT
    parts: tl.constexpr = (S + BS - 1) // BS
    replica = tl.program_id(1) // blocks
    place = tl.program_id(0) * BM + tl.arange(0, BM)
    t = (tl.program_id(1) % blocks) * BT + tl.arange(0, BT)
    n = place // (HT * WT)
    ht = (place % (HT * WT)) // WT
    wt = place % WT
    first = (n * replicas + replica) * (S * HS * WS)
    total = tl.zeros((BM, BT), dtype=tl.float32)
    for term in range(K * K * parts):
        tap = term // parts
        kh = tap // K
        kw = tap % K
        s = (term % parts) * BS + tl.arange(0, BS)
        if TRANSPOSED:
            hu = ht + K // 2 - kh
            wu = wt + K // 2 - kw
            hs = hu // STRIDE
            ws = wu // STRIDE
            inside = (hu >= 0) & (wu >= 0) & (hu % STRIDE == 0) & (wu % STRIDE == 0)
            inside = inside & (hs < HS) & (ws < WS)
            weights = ((replica * S + s[:, None]) * T + t[None, :]) * (K * K) + tap
        else:
            hs = ht * STRIDE + kh - K // 2
            ws = wt * STRIDE + kw - K // 2
            inside = (hs >= 0) & (hs < HS) & (ws >= 0) & (ws < WS)
            weights = ((replica * T + t[None, :]) * S + s[:, None]) * (K * K) + tap
        inside = inside & (n < images)
        places = (first + hs * WS + ws)[:, None] + s[None, :] * (HS * WS)
        seen = tl.load(source_ptr + places, mask=inside[:, None] & (s < S)[None, :], other=0.0)
        kernel = tl.load(weight_ptr + weights, mask=(s < S)[:, None] & (t < T)[None, :], other=0.0)
        total = tl.dot(seen, kernel, total, input_precision=PRECISION)
    out = ((n * replicas + replica) * T)[:, None] + t[None, :]
    out = out * (HT * WT) + (ht * WT + wt)[:, None]
    tl.store(
        target_ptr + out, total.to(target_ptr.dtype.element_ty), mask=(n < images)[:, None] & (t < T)[None, :]
    )


@triton.jit(do_not_specialize=["images", "replicas", "chunk"])  # type: ignore[untyped-decorator]
def _weigh(  # type: ignore[no-untyped-def]
    x_ptr,
    grad_ptr,
    parts_ptr,
    images,
    replicas,
    chunk,  # places of a program, a multiple of BP
    I: tl.constexpr,  # noqa: E741
    H: tl.constexpr,
    W: tl.constexpr,
    O: tl.constexpr,  # noqa: E741
    HO: tl.constexpr,
    WO: tl.constexpr,
    K: tl.constexpr,
    STRIDE: tl.constexpr,
    PRECISION: tl.constexpr,
    BP: tl.constexpr,
    BI: tl.constexpr,
    BO: tl.constexpr,
):
    across: tl.constexpr = (I + BI - 1) // BI
    down: tl.constexpr = (O + BO - 1) // BO
    part = tl.program_id(0)
    replica = tl.program_id(1) // (across * down)
    block = tl.program_id(1) % (across * down)
    tap = tl.program_id(2)
    i = (block % across) * BI + tl.arange(0, BI)
    o = (block // across) * BO + tl.arange(0, BO)
    kh = tap // K
    kw = tap % K
    total = tl.zeros((BO, BI), dtype=tl.float32)
    for start in range(part * chunk, (part + 1) * chunk, BP):
        place = start + tl.arange(0, BP)
        n = place // (HO * WO)
        at = place % (HO * WO)
        h = (at // WO) * STRIDE + kh - K // 2
        w = (at % WO) * STRIDE + kw - K // 2
        inside = (n < images) & (h >= 0) & (h < H) & (w >= 0) & (w < W)
        seen = (n * replicas + replica) * (I * H * W) + h * W + w
        seen = tl.load(
            x_ptr + seen[:, None] + i[None, :] * (H * W), mask=inside[:, None] & (i < I)[None, :], other=0.0
        )
        came = (n * replicas + replica) * (O * HO * WO) + at
        came = tl.load(
            grad_ptr + came[None, :] + o[:, None] * (HO * WO),
            mask=(n < images)[None, :] & (o < O)[:, None],
            other=0.0,
        )
        total = tl.dot(came, seen, total, input_precision=PRECISION)
    where = ((part * replicas + replica) * O + o[:, None]) * I + i[None, :]
    where = where * (K * K) + tap
    tl.store(parts_ptr + where, total, mask=(o < O)[:, None] & (i < I)[None, :])


def fits(x: Tensor) -> bool:
    """Whether these kernels take it: float32 or bfloat16, NCHW, and places that 32 bits can count."""
    here = x.is_cuda or _INTERPRETED
    return here and x.dtype in (torch.float32, torch.bfloat16) and x.is_contiguous() and x.numel() < 2**30


def convolve(x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
    """[N, R·I, H, W] and [R·O, I, k, k], k odd, to [N, R·O, ⌈H/stride⌉, ⌈W/stride⌉]."""
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight = x.to(dtype), weight.to(dtype)
    out: Tensor = _Convolution.apply(x, weight, stride, replicas)
    return out


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.replicas = stride, replicas
        n, _, height, width = x.shape
        shape = (n, len(weight), -(-height // stride), -(-width // stride))
        return _launch(x, weight, x.new_empty(shape), stride, replicas, transposed=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        by_weight = _weight_gradient(x, grad, weight, ctx.stride, ctx.replicas)
        if not ctx.needs_input_grad[0]:
            return None, by_weight, None, None
        by_input = _launch(grad, weight, torch.empty_like(x), ctx.stride, ctx.replicas, transposed=True)
        return by_input, by_weight, None, None


def _launch(
    source: Tensor, weight: Tensor, target: Tensor, stride: int, replicas: int, *, transposed: bool
) -> Tensor:
    n, channels, hs, ws = source.shape
    _, targets, ht, wt = target.shape
    s, t, size = channels // replicas, targets // replicas, weight.shape[-1]
    bs, bt = _tile(s, 32), _tile(t, 64)
    columns = replicas * -(-t // bt)
    bm = 64 if -(-n * ht * wt // 64) * columns >= _PROGRAMS else 32
    grid = (-(-n * ht * wt // bm), columns)
    _convolve[grid](
        source, weight, target, n, replicas, s, hs, ws, t, ht, wt, size, stride, transposed, _precision(),
        bm, bs, bt, num_warps=4, num_stages=3,
    )  # fmt: skip
    return target


def _weight_gradient(x: Tensor, grad: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
    n, _, height, width = x.shape
    _, inputs, size, _ = weight.shape
    outputs = len(weight) // replicas
    ho, wo = grad.shape[2:]
    bp, bi, bo = 64, _tile(inputs, 64), _tile(outputs, 64)
    columns = replicas * -(-inputs // bi) * -(-outputs // bo)
    most = -(-n * ho * wo // (2 * bp))
    cuts = max(1, min(most, _PARTS // (columns * size * size)))
    chunk = -(-n * ho * wo // (cuts * bp)) * bp
    parts = grad.new_empty((cuts, *weight.shape), dtype=torch.float32)
    _weigh[(cuts, columns, size * size)](
        x, grad, parts, n, replicas, chunk, inputs, height, width, outputs, ho, wo, size, stride,
        _precision(), bp, bi, bo, num_warps=4, num_stages=3,
    )  # fmt: skip
    return (parts[0] if cuts == 1 else parts.sum(0)).to(weight.dtype)


def _tile(channels: int, most: int) -> int:
    """A power of two that tensor cores take."""
    return max(16, min(most, int(triton.next_power_of_2(channels))))


def _precision() -> str:
    return "tf32" if torch.backends.cudnn.allow_tf32 else FP32


@functools.cache
def why_not(device: torch.device) -> str | None:
    """Why these kernels cannot be used on this GPU: they do not compile there, say; None where they can."""
    try:
        x = torch.randn(2, 32, 8, 8, device=device, requires_grad=True)
        weight = torch.randn(32, 16, 3, 3, device=device, requires_grad=True)
        ours = convolve(x, weight, 2, 2)
        theirs = torch.nn.functional.conv2d(x.double(), weight.double(), None, 2, 1, 1, 2)
        pairs = [(ours, theirs)]
        pairs += zip(*(torch.autograd.grad(y.sum(), (x, weight)) for y in (ours, theirs)), strict=True)
        apart = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
    except Exception as error:  # a missing compiler, an old GPU: torch's kernels remain
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return None if apart < 1e-2 else f"they are {apart:.1e} apart from torch's"
