"""The variants of computing a pack's step that are measured and checked."""

from dataclasses import dataclass, replace

import torch

from model.data.dataset import Dataset
from model.net.convolution import Convolution
from model.precision import Precision
from model.spec import Spec
from model.training.graphs import CudaGraphs
from model.training.layout import Layout
from model.training.training import Training


@dataclass(frozen=True)
class Variant:
    """How a pack's step is computed; None is what a sweep takes. `aside`: weights' gradients on a stream of
    their own, where kernels are ours."""

    convolution: Convolution | None = None
    precision: Precision = "fp32"
    layout: Layout | None = None
    aside: bool = False

    @property
    def name(self) -> str:
        parts = [
            self.convolution or "usual",
            self.precision,
            self.layout or "",
            "aside" if self.aside else "",
        ]
        return " ".join(part for part in parts if part)


DEFAULT = Variant()


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
    return Training(
        replace(spec, precision=variant.precision),
        range(1, pack + 1),
        data,
        device,
        dtype=dtype,
        layout=variant.layout,
        convolution=variant.convolution,
        kernels="aside" if variant.aside else None,
        graphs=graphs,
        search=search,
    )
