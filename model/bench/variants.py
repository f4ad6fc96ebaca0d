"""The variants of computing a pack's step that are compared, and which come first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from model.bench.steps import CompiledStep, MatmulStep, StreamsStep
from model.data.dataset import Dataset
from model.errors import InputError
from model.net.convolution import Convolution
from model.net.resnet import ResNet
from model.spec import Spec
from model.training.graphs import CudaGraphs
from model.training.layout import Layout, default_layout
from model.training.step import Precision, Step
from model.training.training import Training

#: How convolutions are computed: as a sweep may (`model.net.convolution`), or by a step of its own.
Computation = Literal["grouped", "matmul", "streams", "triton"]
COMPUTATIONS: tuple[Computation, ...] = get_args(Computation)

_STEPS: Mapping[str | None, Callable[[ResNet, Sequence[Spec], Precision], Step]] = {
    "matmul": MatmulStep,
    "streams": StreamsStep,
}
#: Computations, and whether in the default layout. Products are channels-last by construction.
_LAYOUTS: tuple[tuple[Computation, bool], ...] = (
    ("grouped", True),
    ("triton", True),
    ("matmul", True),
    ("streams", True),
    ("grouped", False),
    ("streams", False),
)


@dataclass(frozen=True)
class Variant:
    """How a pack's step is computed; None is what a sweep takes."""

    convolution: Computation | None = None
    precision: Precision = "fp32"
    layout: Layout | None = None
    compiled: bool = False


DEFAULT = Variant()


@dataclass(frozen=True)
class Missing:
    """A variant without a measurement, and why."""

    norm: str
    batch_size: int
    pack: int
    convolution: str
    precision: str
    layout: str
    compiled: bool
    error: str


@dataclass(frozen=True)
class Case:
    """One thing to measure: a pack of `pack` replicas of a cell, computed by a variant."""

    spec: Spec
    pack: int
    variant: Variant

    def missing(self, error: str) -> Missing:
        variant = self.variant
        return Missing(
            self.spec.norm,
            self.spec.batch_size,
            self.pack,
            variant.convolution or "usual",
            variant.precision,
            str(variant.layout),
            variant.compiled,
            error,
        )


def training(
    spec: Spec,
    pack: int,
    data: Dataset,
    device: torch.device,
    variant: Variant = DEFAULT,
    *,
    dtype: torch.dtype = torch.float32,
    graphs: CudaGraphs | None = None,
    search: bool = True,
) -> Training:
    """A pack of seeds from 1, its step computed by this variant. Raises InputError where there is no such."""
    computation = variant.convolution or ("grouped" if variant.compiled else None)
    if variant.compiled and computation != "grouped":
        raise InputError(f"torch.compile goes with grouped convolutions alone, not with {computation}")
    convolution: Convolution | None = (
        computation if computation is None or computation == "triton" else "grouped"
    )
    return Training(
        spec,
        range(1, pack + 1),
        data,
        device,
        dtype=dtype,
        precision=variant.precision,
        layout=variant.layout or ("nhwc" if computation == "matmul" else None),
        convolution=convolution,
        make_step=CompiledStep if variant.compiled else _STEPS.get(computation, Step),
        graphs=graphs,
        search=search,
    )


def variants(
    device: torch.device, norm: str, pack: int, pixels: int, *, compiled: bool
) -> Iterator[tuple[int, Variant]]:
    """(rank, variant) of all there is to compare, the most telling first. One replica needs no streams.

    `pixels`: of a batch of one replica.
    """
    precisions: tuple[Precision, ...] = (
        ("fp32", "tf32", "bf16") if device.type == "cuda" else ("fp32", "bf16")
    )
    plans: list[tuple[Precision, Computation, bool, bool]] = [
        (precision, computation, default, False)
        for precision in precisions
        for computation, default in _LAYOUTS
    ]
    plans += [(precision, "grouped", True, True) for precision in precisions if compiled]
    for rank, (precision, computation, default, by_compiler) in enumerate(plans):
        if (computation == "streams" and pack == 1) or (computation == "triton" and device.type != "cuda"):
            continue
        layout = _default_layout(device, precision, norm, pixels, computation)
        if not default:
            layout = "nchw" if layout == "nhwc" else "nhwc"
        yield rank, Variant(computation, precision, layout, by_compiler)


def _default_layout(
    device: torch.device, precision: Precision, norm: str, pixels: int, computation: Computation
) -> Layout:
    if computation == "matmul":
        return "nhwc"
    convolution: Convolution = "triton" if computation == "triton" else "grouped"
    return default_layout(device, precision, norm, pixels, convolution)


def schedule(
    specs: Sequence[Spec], packs: Sequence[int], device: torch.device, size: int, *, compiled: bool
) -> list[Case]:
    """Variant by variant, in each small batches and large packs first. `size`: pixels of an image."""
    cells = sorted(((spec, pack) for spec in specs for pack in packs), key=lambda c: (c[0].batch_size, -c[1]))
    ranked = [
        (rank, number, Case(spec, pack, variant))
        for number, (spec, pack) in enumerate(cells)
        for rank, variant in variants(device, spec.norm, pack, spec.batch_size * size, compiled=compiled)
    ]
    return [case for *_, case in sorted(ranked, key=lambda entry: entry[:2])]
