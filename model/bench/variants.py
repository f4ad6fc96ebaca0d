"""The ways of computing a pack's step: what is there to compare, and what comes first? Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from model.net.convolution import Convolution
from model.spec import Spec
from model.training.step import Precision
from model.training.training import Layout, default_layout

#: Convolutions, and whether in the default layout. Products are channels-last by construction.
_LAYOUTS: tuple[tuple[Convolution, bool], ...] = (
    ("grouped", True),
    ("triton", True),
    ("matmul", True),
    ("streams", True),
    ("grouped", False),
    ("streams", False),
)


@dataclass(frozen=True)
class Way:
    """How a pack's step is computed; None is what a sweep takes."""

    convolution: Convolution | None = None
    precision: Precision = "fp32"
    layout: Layout | None = None
    compiled: bool = False


DEFAULT = Way()


@dataclass(frozen=True)
class Missing:
    """A way without a measurement, and why."""

    norm: str
    batch_size: int
    pack: int
    convolution: str
    precision: str
    layout: str
    compiled: bool
    error: str


@dataclass(frozen=True)
class Turn:
    """One thing to measure."""

    spec: Spec
    pack: int
    way: Way

    def missing(self, error: str) -> Missing:
        way = self.way
        return Missing(
            self.spec.norm,
            self.spec.batch_size,
            self.pack,
            way.convolution or "usual",
            way.precision,
            str(way.layout),
            way.compiled,
            error,
        )


def ways(
    device: torch.device, norm: str, pack: int, pixels: int, *, compiled: bool
) -> Iterator[tuple[int, Way]]:
    """(rank, way) of all there is to compare, the most telling first. One replica needs no streams.

    `pixels`: of a batch of all replicas.
    """
    precisions: tuple[Precision, ...] = (
        ("fp32", "tf32", "bf16") if device.type == "cuda" else ("fp32", "bf16")
    )
    plans: list[tuple[Precision, Convolution, bool, bool]] = [
        (precision, convolution, usual, False) for precision in precisions for convolution, usual in _LAYOUTS
    ]
    plans += [(precision, "grouped", True, True) for precision in precisions if compiled]
    for rank, (precision, convolution, usual, by_compiler) in enumerate(plans):
        if (convolution == "streams" and pack == 1) or (convolution == "triton" and device.type != "cuda"):
            continue
        layout = default_layout(device, precision, norm, pack, pixels, convolution)
        if not usual:
            layout = "nchw" if layout == "nhwc" else "nhwc"
        yield rank, Way(convolution, precision, layout, by_compiler)


def schedule(
    specs: Sequence[Spec], packs: Sequence[int], device: torch.device, size: int, *, compiled: bool
) -> list[Turn]:
    """Way by way; within one the small batches and the large packs first. `size`: pixels of an image."""
    cells = sorted(((spec, pack) for spec in specs for pack in packs), key=lambda c: (c[0].batch_size, -c[1]))
    turns = [
        (rank, number, Turn(spec, pack, way))
        for number, (spec, pack) in enumerate(cells)
        for rank, way in ways(device, spec.norm, pack, pack * spec.batch_size * size, compiled=compiled)
    ]
    return [turn for *_, turn in sorted(turns, key=lambda entry: entry[:2])]
