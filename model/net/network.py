"""What a training asks of a network, whichever it is."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from model.net.convolution import Convolve
from model.net.norms.layer import NormLayer
from model.precision import Precision


class Images(Protocol):
    """What a network is made for; `model.data.dataset.DataInfo` says it."""

    def __hash__(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def classes(self) -> tuple[str, ...]: ...


class ReplicaNetwork(nn.Module):
    """R replicas of one network. Input [N, R·I, H, W], output [R, N, classes], the logits.

    Every parameter and buffer has replicas outermost in its first dimension (`model.net.replicas`).
    """

    replicas: int

    def compute_by(self, function: Convolve, *, fused: bool = False, precision: Precision = "fp32") -> None:
        """Convolutions by a function of `model.net.convolution`; `fused`: norms by kernels of ours;
        `precision`: of all other products."""
        for module in self.modules():
            if isinstance(module, NormLayer):
                module.fused = fused

    def norms(self) -> Mapping[str, nn.Module]:
        """The layers under study, by the names with which their tensors' own begin."""
        raise NotImplementedError

    def classifying(self) -> nn.Module | None:
        """The layer that gives the logits; None where none can be told."""
        raise NotImplementedError

    def __call__(self, x: Tensor) -> Tensor:
        out: Tensor = super().__call__(x)
        return out
