"""The convolutions of R replicas: one grouped call of torch's, in an order of their own, or one kernel of
ours.

`grouped`: one convolution with R groups. oneDNN does well with many groups of few channels; cuDNN runs
float32 ones group by group (docs/gpu.md).

`ordered`: the same, but to the last bit the same in any pack (`model.net.ordered`), the default on a CPU.

`triton`: one kernel of ours a convolution (`model.net.convolution_kernels`), the default on a GPU where they
compile, up to `TRITON_PIXELS`; batch and group norms are then in kernels of ours too
(`model.net.norm_kernels`).

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

from model.net.ordered import Ordered
from model.net.products import by_rounded
from model.precision import Precision

Convolution = Literal["grouped", "ordered", "triton"]
CONVOLUTIONS: tuple[Convolution, ...] = get_args(Convolution)
#: What can be chosen on a GPU: kernels of ours where they can be used; the same with weights' gradients on a
#: stream of their own, which changes no bit; torch's.
Kernels = Literal["ours", "aside", "torch"]
KERNELS: tuple[Kernels, ...] = get_args(Kernels)
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


#: Up to so many pixels of a replica's batch our kernels were measured, and won: a step of five replicas of
#: ResNet-20 on 32×32 pixels, H200, torch 2.11, cuDNN 9.19, with norms in kernels of ours too, against
#: cuDNN's, in ms: batch 2 BN 0.77 and 1.88, GN 0.76 and 2.10; batch 32 BN 3.09 and 4.83, GN 2.85 and 5.21.
#: In TF32 and bf16 ours were not measured: they have the same kernels with a third of the products.
TRITON_PIXELS = 32 * 32 * 32


#: How many times as fast others have to be, where they are timed, to be taken instead of the rule's.
WORTH = 1.05


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


def by_rule(pixels: int) -> Kernels:
    """What a GPU has for a batch of so many pixels of one replica, where nobody has timed it."""
    return "ours" if pixels <= TRITON_PIXELS else "torch"


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
