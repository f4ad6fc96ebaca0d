"""Convolutions held to what rounding may do to them, whatever computes them.

A sum of n products of factors that are each rounded with a relative error of at most u, added up in float32,
whose error is at most v, is at most (2u + u² + n·v)·Σ|a·b| away from the exact one (Higham 2002, Accuracy and
Stability of Numerical Algorithms, sections 3.1 and 3.3). So every number has a bound of its own, which no
tolerance was chosen for.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from model.bench.variants import Variant
from model.net.convolution import Convolve, convolve, default_convolution, grouped
from model.net.network import ReplicaNetwork
from model.net.products import baddbmm, by_rounded, to_bf16
from model.net.resnet import Classifier
from model.precision import UNIT_ROUNDOFF, Precision
from model.training.backend import arithmetic
from model.training.layout import MEMORY_FORMATS, default_layout

REPLICAS = 3
#: Three products instead of one: what is left of a float32 factor as two of TF32, and the smallest of the
#: four products left out (Ootomo & Yokota 2022, section 3).
_THREE_TF32 = 2.0**-21
#: TF32 may cut what it does not round, and torch's bfloat16 kernels round what they give too.
_FACTOR: dict[Precision, float] = {"fp32": 1.0, "tf32": 2.0, "bf16": 1.0}
_GIVEN: dict[Precision, float] = {"fp32": 0.0, "tf32": 0.0, "bf16": UNIT_ROUNDOFF["bf16"]}


class Shape(NamedTuple):
    """A convolution of one replica: channels in and out, pixels on a side, kernel, stride."""

    inputs: int
    outputs: int
    side: int
    size: int
    stride: int


#: Those of ResNet-20 on 16×16 pixels.
SHAPES = (
    Shape(3, 16, 16, 3, 1),
    Shape(16, 16, 16, 3, 1),
    Shape(16, 32, 16, 3, 2),
    Shape(16, 32, 16, 1, 2),
    Shape(32, 64, 8, 3, 2),
    Shape(64, 64, 4, 3, 1),
)


def worst_product(device: torch.device, variant: Variant, images: int = 2) -> float:
    """The largest error of any number, of any convolution and pass, as a share of its bound."""
    generator = torch.Generator().manual_seed(0)
    return max(_worst(shape, device, variant, images, generator) for shape in SHAPES)


def _worst(
    shape: Shape, device: torch.device, variant: Variant, images: int, generator: torch.Generator
) -> float:
    """Of one convolution."""
    pixels = images * shape.side**2
    name = variant.convolution or default_convolution(device, torch.float32, variant.precision, pixels)
    layout = variant.layout or default_layout(device, variant.precision, "gn", pixels, name)
    out = -(-shape.side // shape.stride)
    sizes = (
        (images, REPLICAS * shape.inputs, shape.side, shape.side),
        (REPLICAS * shape.outputs, shape.inputs, shape.size, shape.size),
        (images, REPLICAS * shape.outputs, out, out),
    )
    drawn = [torch.randn(size, generator=generator) for size in sizes]
    x, weight, grad = (t.to(device, memory_format=MEMORY_FORMATS[layout]) for t in drawn)
    with arithmetic(variant.precision):
        function = convolve(name, MEMORY_FORMATS[layout], variant.precision)
        found = [one.double().cpu() for one in _passes(function, shape.stride, x, weight, grad)]
    exact = _passes(grouped, shape.stride, *(t.double() for t in drawn))
    sizes_of = _passes(grouped, shape.stride, *(t.double().abs() for t in drawn))
    taps = shape.size**2
    terms = shape.inputs * taps, shape.outputs * taps, images * out * out
    return max(
        float(((ours - right).abs() / (bound(variant.precision, n) * of).clamp(min=1e-30)).max())
        for ours, right, of, n in zip(found, exact, sizes_of, terms, strict=True)
    )


def bound(precision: Precision, terms: int) -> float:
    """Of the relative error of a sum of so many products, to the sum of their sizes."""
    u, v = _FACTOR[precision] * UNIT_ROUNDOFF[precision], UNIT_ROUNDOFF["fp32"]
    return 2 * u + u * u + terms * v + _THREE_TF32 + _GIVEN[precision]


def _passes(function: Convolve, stride: int, x: Tensor, weight: Tensor, grad: Tensor) -> list[Tensor]:
    """The output, and the gradients of the input and of the weights."""
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    y = function(x, weight, stride, REPLICAS)
    return [y.detach(), *torch.autograd.grad(y, (x, weight), grad)]


def emulate(net: ReplicaNetwork, precision: Precision) -> None:
    """Have a network on the CPU multiply as a GPU does in this precision: rounded factors, float32 sums."""
    if precision == "fp32":
        return
    rounding = to_bf16 if precision == "bf16" else to_tf32

    def convolved(x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
        return by_rounded(lambda a, b: grouped(a, b, stride, replicas), x, weight, rounding=rounding)

    net.compute_by(convolved)
    classifier = net.classifying()
    assert isinstance(classifier, Classifier)
    classifier.multiply = partial(baddbmm, rounding=rounding)


def to_tf32(x: Tensor) -> Tensor:
    """The nearest float32 of 11 bits, ties to even."""
    bits = x.view(torch.int32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)
