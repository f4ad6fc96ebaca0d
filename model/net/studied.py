"""The layer under study in a module that is written for one replica.

Norms take all replicas at once (`model.net.norms`), and a module that `torch.func.vmap` runs
(`model.net.stacked`) sees one: `Norm` stands between the two.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from model.net.norms.layer import gamma_of
from model.net.norms.registry import norm_of
from model.norm_table import NORM_TABLE
from model.spec import Spec


class MakeNorm(Protocol):
    """What a network's maker is given: the layer under study, for so many channels.

    `activation`: the layer applies an activation too, its own where that is part of the norm, else ReLU;
    without, it never does. `ends_branch`: it is the last of a residual branch, whose γ starts at 0 where
    `zero_gamma` asks for it.
    """

    def __call__(
        self, channels: int, *, activation: bool = False, ends_branch: bool = False
    ) -> nn.Module: ...


def norm_maker(spec: Spec, replicas: int = 1, *, zero_gamma: bool, together: bool) -> MakeNorm:
    """Makes a cell's norms for so many replicas. `together`: they will be used within vmap."""

    maps = spec.norm in NORM_TABLE and NORM_TABLE[spec.norm].shared

    def make(channels: int, *, activation: bool = False, ends_branch: bool = False) -> nn.Module:
        before = torch.default_generator.get_state()  # a norm that draws numbers leaves those of the network
        layer = norm_of(spec, channels, replicas, activation=activation, ends_branch=ends_branch)
        torch.default_generator.set_state(before)
        if ends_branch and zero_gamma and (gamma := gamma_of(layer)) is not None:
            nn.init.zeros_(gamma)
        norm = Norm(layer, maps=maps, together=together)
        complete = not activation or getattr(layer, "activates", False)
        return norm if complete else nn.Sequential(norm, nn.ReLU())

    return make


class Norm(nn.Module):
    """The layer under study in a module that is written for one replica.

    `layer`: takes all replicas, [N, R·C, H, W]. Input and output of one replica: [N, C, H, W]; or [N, C] and
    tokens [N, T, C], which are normalised position by position, unless `maps`: then tokens are the pixels of
    a map, as for statistics of a batch they must be. `together`: whether it is inside vmap.
    """

    def __init__(self, layer: nn.Module, *, maps: bool = False, together: bool = True) -> None:
        super().__init__()
        self.layer, self.maps, self.together = layer, maps, together

    def forward(self, x: Tensor) -> Tensor:
        if self.together:
            out: Tensor = OnAll.apply(self._all, (1,), x)
            return out
        return self._all(x.unsqueeze(1)).squeeze(1)

    def _all(self, x: Tensor) -> Tensor:
        """[N, R, …] -> [N, R, …]"""
        if x.dim() == 5:
            return self._layer(x)
        if x.dim() == 3:
            return self._layer(x[..., None, None]).flatten(2)
        if x.dim() != 4:
            raise ValueError(f"a norm takes [N, C], [N, T, C] or [N, C, H, W], not {x.dim() - 1} dimensions")
        if self.maps:
            return self._layer(x.transpose(2, 3).contiguous()[..., None])[..., 0].transpose(2, 3).contiguous()
        tokens = x.transpose(1, 2)  # [N, T, R, C]
        return self._layer(tokens.flatten(0, 1)[..., None, None]).view(tokens.shape).transpose(1, 2)

    def _layer(self, x: Tensor) -> Tensor:
        """[N, R, C, H, W] -> [N, R, C, H, W]"""
        out = _in_float32(self.layer, x.flatten(1, 2))
        return out.view(len(x), *x.shape[1:3], *out.shape[2:])


def _in_float32(norm: nn.Module, x: Tensor) -> Tensor:
    """norm(x), out of autocast: whatever products are computed in, a norm is given float32 and works in it.

    torch's own lists would have it otherwise for each: batch norm in bfloat16 and group norm in float32 on a
    GPU, a norm of several operations in bfloat16 to its statistics.
    """
    kind = x.device.type
    inside = torch.is_autocast_enabled(kind)
    with torch.autocast(kind, enabled=False) if inside else nullcontext():
        out: Tensor = norm(x.float() if inside else x)
    return out


class OnAll(torch.autograd.Function):
    """Calls a function with the replicas of its tensors as one of their dimensions, out of vmap.

    (function, where each tensor has its replicas, *tensors): the result has them in dimension 1. What the
    function does is ordinary autograd's.
    """

    @staticmethod
    def forward(function: Callable[..., Tensor], dims: Sequence[int], *tensors: Tensor) -> Tensor:
        raise RuntimeError("a layer was given a tensor that is the same for every replica")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is kept: there is no backward pass of its own."""

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[Any, ...],
        function: Callable[..., Tensor],
        dims: Sequence[int],
        *tensors: Tensor,
    ) -> tuple[Tensor, int]:
        there = [
            tensor.unsqueeze(to).expand(*tensor.shape[:to], info.batch_size, *tensor.shape[to:])
            if at is None
            else tensor.movedim(at, to)
            for tensor, at, to in zip(tensors, in_dims[2:], dims, strict=True)
        ]
        return function(*there), 1
