"""Convolutions of R replicas in one kernel of ours each: cuDNN runs grouped float32 ones group by group.

H100, cuDNN 9.19, torch 2.11, ResNet-20, five replicas: 604 kernels a step, where the network has 60 products.
Here a convolution is an implicit matrix product (Chetlur et al. 2014, cuDNN, section 3): rows are places
(pixels of the output), columns output channels, and the sum goes over the kernel's taps and the input
channels. The replica is one more axis of the launch. NCHW throughout, so that neighbouring threads read
neighbouring places. How large the tiles are: `model.net.tiles`.

A float32 product is three products on tensor cores, of the upper and lower halves of both factors, which
keeps float32's accuracy (Ootomo & Yokota 2022); in TF32 it is one. In bf16 a kernel rounds both factors as
it loads them, and what it reads and writes stays float32 (`model.net.products`). Weight gradients are
summed in parts of a fixed order. Measured error against float64, norms of output, input's and weights'
gradient: 1.2e-7 to 2.2e-7, where cuDNN's float32 kernels have 2.1e-7 to 1.4e-6 (H100, 16 and 64 maps, batch
8). Imported only where used: it needs Triton.
"""

import functools
import os
from collections.abc import Mapping
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.net.aside import beside
from model.net.tiles import PROGRAMS, WARPS, Tiles, tiles
from model.precision import Precision

#: Triton's own switch, which it reads when it is imported: kernels run in Python, on any device.
_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
#: How factors are multiplied: Triton's names for float32 ones, and "bf16" for those that are rounded first.
_PRODUCTS: Mapping[Precision, str] = {"fp32": "tf32x3", "tf32": "tf32", "bf16": "bf16"}
#: Largest difference from torch's float64, of the largest value, that is no fault of the kernels.
_APART: Mapping[Precision, float] = {"fp32": 1e-2, "tf32": 1e-2, "bf16": 5e-2}


@triton.jit
def _rounded(x):  # type: ignore[no-untyped-def]
    """The nearest bfloat16, ties to even, as a float32. By its bits, which Triton's interpreter has right.
    What is not a number stays so: CUDA's has every bit set, and would become zero."""
    bits = x.to(tl.uint32, bitcast=True)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return tl.where(x == x, bits.to(tl.float32, bitcast=True), x)  # noqa: PLR0124


@triton.jit  # type: ignore[untyped-decorator]
def _product(a, b, total, PRECISION: tl.constexpr):  # type: ignore[no-untyped-def]
    if PRECISION == "bf16":  # 8 bits of a factor: TF32, which has 11, loses none of them
        total = tl.dot(_rounded(a), _rounded(b), total, input_precision="tf32")
    else:
        total = tl.dot(a, b, total, input_precision=PRECISION)
    return total


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
    BP: tl.constexpr,
    BJ: tl.constexpr,
    BT: tl.constexpr,
):
    blocks: tl.constexpr = (T + BT - 1) // BT
    terms: tl.constexpr = (K * K * S + BJ - 1) // BJ
    replica = tl.program_id(1) // blocks
    place = tl.program_id(0) * BP + tl.arange(0, BP)
    t = (tl.program_id(1) % blocks) * BT + tl.arange(0, BT)
    n = place // (HT * WT)
    ht = (place % (HT * WT)) // WT
    wt = place % WT
    first = (n * replicas + replica) * (S * HS * WS)
    total = tl.zeros((BP, BT), dtype=tl.float32)
    for term in range(terms):
        j = term * BJ + tl.arange(0, BJ)  # over the taps, and over the source's channels within each
        tap = j // S
        s = j % S
        kh = tap // K
        kw = tap % K
        if TRANSPOSED:
            hu = ht[:, None] + (K // 2 - kh)[None, :]
            wu = wt[:, None] + (K // 2 - kw)[None, :]
            hs = hu // STRIDE
            ws = wu // STRIDE
            inside = (hu >= 0) & (wu >= 0) & (hu % STRIDE == 0) & (wu % STRIDE == 0) & (hs < HS) & (ws < WS)
            weights = ((replica * S + s[:, None]) * T + t[None, :]) * (K * K) + tap[:, None]
        else:
            hs = ht[:, None] * STRIDE + (kh - K // 2)[None, :]
            ws = wt[:, None] * STRIDE + (kw - K // 2)[None, :]
            inside = (hs >= 0) & (hs < HS) & (ws >= 0) & (ws < WS)
            weights = ((replica * T + t[None, :]) * S + s[:, None]) * (K * K) + tap[:, None]
        inside = inside & (n < images)[:, None] & (tap < K * K)[None, :]
        places = first[:, None] + hs * WS + ws + s[None, :] * (HS * WS)
        seen = tl.load(source_ptr + places, mask=inside, other=0.0)
        kernel = tl.load(weight_ptr + weights, mask=(tap < K * K)[:, None] & (t < T)[None, :], other=0.0)
        total = _product(seen, kernel, total, PRECISION)
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
    BJ: tl.constexpr,
    BO: tl.constexpr,
):
    across: tl.constexpr = (K * K * I + BJ - 1) // BJ
    down: tl.constexpr = (O + BO - 1) // BO
    part = tl.program_id(0)
    replica = tl.program_id(1) // (across * down)
    block = tl.program_id(1) % (across * down)
    j = (block % across) * BJ + tl.arange(0, BJ)  # over the taps, and over the input's channels within each
    o = (block // across) * BO + tl.arange(0, BO)
    tap = j // I
    i = j % I
    kh = tap // K
    kw = tap % K
    total = tl.zeros((BO, BJ), dtype=tl.float32)
    for start in range(part * chunk, (part + 1) * chunk, BP):
        place = start + tl.arange(0, BP)
        n = place // (HO * WO)
        at = place % (HO * WO)
        h = ((at // WO) * STRIDE)[:, None] + (kh - K // 2)[None, :]
        w = ((at % WO) * STRIDE)[:, None] + (kw - K // 2)[None, :]
        inside = (n < images)[:, None] & (h >= 0) & (h < H) & (w >= 0) & (w < W) & (tap < K * K)[None, :]
        seen = ((n * replicas + replica) * (I * H * W))[:, None] + h * W + w + i[None, :] * (H * W)
        seen = tl.load(x_ptr + seen, mask=inside, other=0.0)
        came = (n * replicas + replica) * (O * HO * WO) + at
        came = tl.load(
            grad_ptr + came[None, :] + o[:, None] * (HO * WO),
            mask=(n < images)[None, :] & (o < O)[:, None],
            other=0.0,
        )
        total = _product(came, seen, total, PRECISION)
    where = ((part * replicas + replica) * O + o[:, None]) * (I * K * K) + (i * (K * K) + tap)[None, :]
    tl.store(parts_ptr + where, total, mask=(o < O)[:, None] & (tap < K * K)[None, :])


def fits(x: Tensor) -> bool:
    """Whether these kernels take it: float32, NCHW, and places that 32 bits can count."""
    return runs_on(x) and x.dtype == torch.float32 and countable(x)


def runs_on(x: Tensor) -> bool:
    """Whether kernels run where it lies."""
    return x.is_cuda or _INTERPRETED


def countable(x: Tensor) -> bool:
    """Whether it is NCHW, with places that 32 bits can count."""
    return x.is_contiguous() and x.numel() < 2**30


def convolve(
    x: Tensor,
    weight: Tensor,
    stride: int,
    replicas: int,
    precision: Precision = "fp32",
    aside: torch.cuda.Stream | None = None,
) -> Tensor:
    """[N, R·I, H, W] and [R·O, I, k, k], k odd, to [N, R·O, ⌈H/stride⌉, ⌈W/stride⌉].

    `aside`: a stream for the weights' gradient while the input's is computed; to the bit the same.
    """
    out: Tensor = _Convolution.apply(x, weight, stride, replicas, _PRODUCTS[precision], aside)
    return out


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        stride: int,
        replicas: int,
        products: str,
        aside: torch.cuda.Stream | None,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.replicas, ctx.products, ctx.aside = stride, replicas, products, aside
        n, _, height, width = x.shape
        shape = (n, len(weight), -(-height // stride), -(-width // stride))
        return _launch(x, weight, x.new_empty(shape), stride, replicas, products, transposed=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        how = ctx.stride, ctx.replicas, ctx.products
        grad = grad.contiguous()
        parts = grad.new_empty((_cuts(grad, weight, ctx.replicas), *weight.shape))
        by_weight = parts[0] if len(parts) == 1 else torch.empty_like(parts[0])
        by_input = torch.empty_like(x) if ctx.needs_input_grad[0] else None

        def weigh() -> None:
            _weigh_into(parts, x, grad, weight, *how)
            if len(parts) > 1:
                torch.sum(parts, 0, out=by_weight)

        def go_on() -> None:
            if by_input is not None:
                _launch(grad, weight, by_input, *how, transposed=True)

        if ctx.aside is None or by_input is None:
            weigh()
            go_on()
        else:
            beside(ctx.aside, weigh, go_on)
        return by_input, by_weight, None, None, None, None


def _launch(
    source: Tensor,
    weight: Tensor,
    target: Tensor,
    stride: int,
    replicas: int,
    products: str,
    *,
    transposed: bool,
) -> Tensor:
    n, channels, hs, ws = source.shape
    _, targets, ht, wt = target.shape
    s, t, size = channels // replicas, targets // replicas, weight.shape[-1]
    of = tiles("backward" if transposed else "forward", t, n * ht * wt)
    grid = (-(-n * ht * wt // of.places), replicas * -(-t // of.channels))
    _convolve[grid](
        source, weight, target, n, replicas, s, hs, ws, t, ht, wt, size, stride, transposed, products,
        of.places, of.terms, of.channels, num_warps=WARPS, num_stages=of.stages,
    )  # fmt: skip
    return target


def _cuts(grad: Tensor, weight: Tensor, replicas: int) -> int:
    """In how many parts the places of a weight gradient are summed."""
    outputs, inputs, size = len(weight) // replicas, weight.shape[1], weight.shape[-1]
    places = len(grad) * grad.shape[2] * grad.shape[3]
    of = tiles("weights", outputs, places)
    columns = _columns(of, inputs * size * size, outputs, replicas)
    return max(1, min(-(-places // (2 * of.places)), PROGRAMS // columns))


def _columns(of: Tiles, terms: int, outputs: int, replicas: int) -> int:
    """Programs that a weight gradient has for each part."""
    return replicas * -(-terms // of.terms) * -(-outputs // of.channels)


def _weigh_into(
    parts: Tensor, x: Tensor, grad: Tensor, weight: Tensor, stride: int, replicas: int, products: str
) -> None:
    """The gradient of the weights, in parts of the places: [cuts, R·O, I, k, k]."""
    n, _, height, width = x.shape
    _, inputs, size, _ = weight.shape
    outputs = len(weight) // replicas
    ho, wo = grad.shape[2:]
    of, cuts = tiles("weights", outputs, n * ho * wo), len(parts)
    columns = _columns(of, inputs * size * size, outputs, replicas)
    chunk = -(-n * ho * wo // (cuts * of.places)) * of.places
    _weigh[(cuts, columns)](
        x, grad, parts, n, replicas, chunk, inputs, height, width, outputs, ho, wo, size, stride,
        products, of.places, of.terms, of.channels, num_warps=WARPS, num_stages=of.stages,
    )  # fmt: skip


@functools.cache
def why_not(device: torch.device, precision: Precision) -> str | None:
    """Why these kernels cannot be used on this GPU: they do not compile there, say; None where they can."""
    try:
        x = torch.randn(2, 32, 8, 8, device=device, requires_grad=True)
        weight = torch.randn(32, 16, 3, 3, device=device, requires_grad=True)
        ours = convolve(x, weight, 2, 2, precision)
        theirs = torch.nn.functional.conv2d(x.double(), weight.double(), None, 2, 1, 1, 2)
        pairs = [(ours, theirs)]
        pairs += zip(*(torch.autograd.grad(y.sum(), (x, weight)) for y in (ours, theirs)), strict=True)
        apart = max(float((a - b).detach().abs().max() / b.detach().abs().max()) for a, b in pairs)
    except Exception as error:  # a missing compiler, an old GPU: torch's kernels remain
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return None if apart < _APART[precision] else f"they are {apart:.1e} apart from torch's"
