"""What a machine can do at best, measured: the yardsticks that the benchmark names beside its figures.

On a CPU the bound is arithmetic: the rate of the fastest of several kernels, and the rate of the network's
own 3×3 convolutions, forward and backward, with nothing in between. On a GPU at small batches it is the
time of one kernel in a chain of dependent ones, and at large batches memory bandwidth.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from model.spec import MODELS, WIDTHS

_REPEATS = 5
_FLOAT = 4
#: Images, maps and side of 3×3 convolutions that are nothing but arithmetic. On an AMD EPYC (Zen 5, torch
#: 2.15) they reach 230 to 280 GFLOP/s and products of matrices 98; a loop of AVX-512 FMAs in C 253 to 268.
_CONVOLUTIONS = ((32, 64, 8), (8, 64, 56))
_MATRIX = 768


@dataclass(frozen=True)
class CpuRoofline:
    """Rates in 10⁹ floating-point operations a second on torch's present number of threads.

    `arithmetic`: of the fastest kernel.
    """

    arithmetic: float
    convolution: float


@dataclass(frozen=True)
class GpuRoofline:
    """`bandwidth` in 10⁹ bytes a second (read plus written), `kernel` in seconds for each of a chain."""

    bandwidth: float
    kernel: float


def operations(model: str, channels: int, height: int, width: int, classes: int) -> float:
    """Floating-point operations of training on one image: convolutions and classifier, identity shortcuts.

    Two per multiply-add; the backward pass costs twice the forward pass.
    """
    n = (MODELS[model] - 2) // 6
    total, inputs = 0, channels
    for stage, maps in enumerate(WIDTHS):
        pixels = -(-height // 2**stage) * -(-width // 2**stage)
        convolutions = 2 * n + (stage == 0)
        total += pixels * 9 * (inputs * maps + (convolutions - 1) * maps * maps)
        inputs = maps
    return 6.0 * (total + WIDTHS[-1] * classes)


def cpu(batch_size: int = 32, size: int = 32) -> CpuRoofline:
    """Measure both rates; half a second or so."""
    arithmetic = arithmetic_rate(_seconds)
    work, spent = 0.0, 0.0
    for stage, maps in enumerate(WIDTHS):
        side = max(1, size >> stage)
        x = torch.randn(batch_size, maps, side, side).contiguous(memory_format=torch.channels_last)
        w = torch.randn(maps, maps, 3, 3).contiguous(memory_format=torch.channels_last)
        spent += _seconds(lambda x=x, w=w: _both_ways(x, w))  # type: ignore[misc]
        work += 6.0 * batch_size * side * side * 9 * maps * maps
    return CpuRoofline(arithmetic / 1e9, work / spent / 1e9)


#: Times a call, in seconds.
Clock = Callable[[Callable[[], object]], float]


@torch.no_grad()
def arithmetic_rate(seconds: Clock) -> float:
    """Floating-point operations a second of the fastest of several kernels: a product of matrices, and
    3×3 convolutions in both layouts.

    Which is the fastest is the processor's: MKL's products reach less than half of oneDNN's convolutions on
    an AMD EPYC, and a bound that most layers pass is none.
    """
    a, b = torch.randn(2, _MATRIX, _MATRIX)
    rates = [2 * _MATRIX**3 / seconds(lambda: torch.mm(a, b))]
    for images, maps, side in _CONVOLUTIONS:
        for layout in (torch.channels_last, torch.contiguous_format):
            x = torch.randn(images, maps, side, side).contiguous(memory_format=layout)
            w = torch.randn(maps, maps, 3, 3).contiguous(memory_format=layout)
            work = 2 * x.numel() * 9 * maps
            rates.append(work / seconds(lambda x=x, w=w: F.conv2d(x, w, padding=1)))  # type: ignore[misc]
    return max(rates)


@torch.no_grad()
def memory_rate(seconds: Clock, resident: int) -> float:
    """Bytes a second, read plus written, of the fastest of three kernels on tensors of `resident` bytes
    altogether: a copy, a tensor overwritten in place, and one added to another.

    What fits into a core's caches stays there. In place is the faster by up to two, as a cache that is
    written to reads first what it had not.
    """
    whole = torch.zeros(max(2, resident // _FLOAT))
    half = len(whole) // 2
    one, other = whole[:half], whole[half : 2 * half]
    size = one.nbytes
    return max(
        2 * size / seconds(lambda: one.copy_(other)),
        3 * size / seconds(lambda: one.add_(other)),
        2 * whole.nbytes / seconds(whole.relu_),
    )


def _both_ways(x: torch.Tensor, w: torch.Tensor) -> None:
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = F.conv2d(x, w, padding=1)
    torch.autograd.grad(y, (x, w), torch.ones_like(y))


def _seconds(work: Callable[[], object]) -> float:
    """Median time of one call, each timing long enough to be one."""
    work()
    calls, times = 1, []
    while True:
        begun = time.perf_counter()
        for _ in range(calls):
            work()
        spent = time.perf_counter() - begun
        if spent < 0.02:
            calls *= 2
            continue
        times.append(spent / calls)
        if len(times) == _REPEATS:
            return statistics.median(times)


def gpu(device: torch.device) -> GpuRoofline:
    """Measure a large copy, and a captured chain of 1,000 tiny kernels of which each needs the last."""
    source = torch.empty(2**28, device=device)
    target = torch.empty_like(source)
    copy = event_seconds(lambda: target.copy_(source))
    bandwidth = 2 * source.numel() * source.element_size() / copy
    x, graph = torch.zeros(32, device=device), torch.cuda.CUDAGraph()
    x.add_(1)
    torch.cuda.synchronize(device)
    with torch.cuda.graph(graph):
        for _ in range(1000):
            x.add_(1)
    return GpuRoofline(bandwidth / 1e9, event_seconds(graph.replay) / 1000)


def event_seconds(work: Callable[[], object]) -> float:
    """Median time of one call on the current stream."""
    work()
    times: list[float] = []
    for _ in range(_REPEATS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")  # type: ignore[no-untyped-call]
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(float(begin.elapsed_time(end)) / 1e3)
    return statistics.median(times)
