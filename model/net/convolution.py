"""The convolutions of R replicas: one grouped call of torch's, in an order of their own, or one kernel of
ours.

`grouped`: one convolution with R groups. oneDNN does well with many groups of few channels; cuDNN runs
float32 ones group by group (docs/gpu.md).

`ordered`: the same, but to the last bit the same in any pack (`model.net.ordered`), the default on a CPU.

`triton`: one kernel of ours a convolution (`model.net.convolution_kernels`), for a GPU where they compile:
whether it has them or `grouped`, `model.kernels` says, or whoever has timed both. Batch and group norms are
then in kernels of ours too (`model.net.norm_kernels`).

All give the same numbers up to the order of sums, so none is part of a trial's identity; each result records
which it was.
"""

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from model.kernels import Kernels, by_rule
from model.net.ordered import Ordered
from model.net.products import by_rounded
from model.precision import Precision

Convolution = Literal["grouped", "ordered", "triton"]
CONVOLUTIONS: tuple[Convolution, ...] = get_args(Convolution)
#: (x, weight, stride, replicas) -> the convolved
Convolve = Callable[[Tensor, Tensor, int, int], Tensor]


def grouped(x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
    """[N, R·I, H, W] and [R·O, I, k, k], k odd, to [N, R·O, ⌈H/stride⌉, ⌈W/stride⌉]."""
    return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, replicas)


class Triton:
    """The same as `grouped`, in one kernel of ours where it takes these tensors.

    `aside`: a stream for the gradients of weights (`model.net.aside`).
    """

    def __init__(self, precision: Precision, aside: torch.cuda.Stream | None = None) -> None:
        self.precision, self.aside = precision, aside

    def __call__(self, x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
        kernels = _kernels()
        if kernels is None or not kernels.fits(x):
            other = Rounded(grouped) if self.precision == "bf16" else grouped
            return other(x, weight, stride, replicas)
        out: Tensor = kernels.convolve(x, weight, stride, replicas, self.precision, self.aside)
        return out


class Rounded:
    """A convolution by factors that are rounded to bfloat16: torch's own on a GPU, else by `by_rounded`."""

    def __init__(self, function: Convolve) -> None:
        self.function = function

    def __call__(self, x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
        if x.is_cuda:
            return self.function(x.bfloat16(), weight.bfloat16(), stride, replicas).float()
        return by_rounded(lambda x, weight: self.function(x, weight, stride, replicas), x, weight)


def convolve(
    name: Convolution,
    layout: torch.memory_format,
    precision: Precision = "fp32",
    aside: torch.cuda.Stream | None = None,
) -> Convolve:
    """The convolution of this name, for activations of this layout and products of this precision.

    torch's own take TF32 from its settings (`model.training.backend`). `aside`: see `Triton`.
    """
    if name == "triton":
        return Triton(precision, aside)
    function: Convolve = Ordered(layout) if name == "ordered" else grouped
    return Rounded(function) if precision == "bf16" else function


def default_convolution(
    device: torch.device,
    dtype: torch.dtype,
    precision: Precision,
    pixels: int,
    kernels: Kernels | None = None,
) -> Convolution:
    """On a CPU the one that gives the same bits in any pack; on a GPU what `kernels` says, or else the faster
    one as far as was measured.

    `pixels`: of a batch of one replica. Chosen by the cell and not by the pack, so that a seed has the same
    kernels in any pack.
    """
    if device.type == "cpu":
        return "ordered"
    if device.type != "cuda" or dtype != torch.float32 or (kernels or by_rule(pixels)) == "torch":
        return "grouped"
    return "grouped" if why_not_triton(device, precision) else "triton"


def why_not_triton(device: torch.device, precision: Precision) -> str | None:
    """Why kernels of ours cannot be used on this GPU; None where they can."""
    kernels = _kernels()
    return "Triton is not installed" if kernels is None else kernels.why_not(device, precision)


@functools.cache
def _kernels() -> ModuleType | None:
    """Our kernels, where there is Triton."""
    try:
        return importlib.import_module("model.net.convolution_kernels")
    except ImportError:
        return None
