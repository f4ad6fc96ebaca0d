"""What every optimiser's update of all replicas is: elementwise, one pass over flat memory.

Elementwise, so replicas may differ in learning rate, momentum and weight decay: those that have the same
values are one group, and each group is one fused pass over its share of every tensor, or two where weights
and norms do not decay alike. Gradients are clipped before, each replica's by its own numbers alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from model.spec import Spec
from model.training.clip import Clip, flat

#: Elements: a multiple of any CPU vector's, of float32 and of float64.
_VECTOR = 16


@dataclass(frozen=True)
class Group:
    """Replicas that are updated alike, by their numbers; `spec`: of the first of them."""

    replicas: tuple[int, ...]
    spec: Spec


def groups(specs: Sequence[Spec]) -> tuple[Group, ...]:
    """The replicas of a pack, one spec each, in groups of the same spec."""
    by_spec: dict[Spec, list[int]] = {}
    for number, spec in enumerate(specs):
        by_spec.setdefault(spec, []).append(number)
    return tuple(Group(tuple(numbers), spec) for spec, numbers in by_spec.items())


@dataclass(frozen=True)
class Pass:
    """Pieces of memory that are updated together: of the leaves `numbers`, those of a group's replicas.

    `decay`: λ. `moments`: for each moment, its pieces beside those of the weights. `odd`: they end within a
    CPU's vector.
    """

    spec: Spec
    decay: float
    odd: bool
    numbers: tuple[int, ...]
    weights: list[Tensor]
    moments: list[list[Tensor]]


class Update(ABC):
    """The update of `leaves`: of every tensor, all replicas outermost in the first dimension.

    `moments`: for each name in `keeps`, what the optimiser remembers of each leaf, like the leaves. `norms`:
    the numbers of the leaves that are the norms', whose decay is an axis. `clip`: what is done to gradients
    before.
    """

    #: What is remembered of each weight, as a checkpoint calls it.
    keeps: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        leaves: Sequence[Tensor],
        moments: Sequence[Sequence[Tensor]],
        replicas: int,
        groups: Sequence[Group],
        *,
        norms: Collection[int] = (),
        clip: Clip | None = None,
    ) -> None:
        self._leaves, self._replicas, self._norms, self._clip = leaves, replicas, norms, clip
        self._groups = groups
        self._step = torch.zeros((), dtype=torch.float32, device=leaves[0].device)
        self._passes = [self._passes_of(group, moments) for group in groups]

    def start_at(self, step: int) -> None:
        """Told before an epoch how many steps lie behind it; for what counts them, see `AdamW`."""
        self._step.fill_(step)

    @torch.no_grad()
    def update(self, grads: Sequence[Tensor], rates: Sequence[float] | Tensor) -> None:
        """One pass over flat memory; `grads`: of each leaf, in order; `rates`: η of each group.

        Flat, because on a CPU the fused kernel copies what is not contiguous, as channels-last weights
        are not (torch 2.15: a tenth of a step at batch size 2). So every gradient must lie as its weight.
        """
        lying = [
            flat(g if g.stride() == p.stride() else torch.empty_like(p).copy_(g))
            for g, p in zip(grads, self._leaves, strict=True)
        ]
        if self._clip is not None:
            lying = self._clip(lying)
        for group, passes, rate in zip(self._groups, self._passes, rates, strict=True):
            own = [self._parts(grad, group) for grad in lying]
            for one in passes:
                pieces = [piece for number in one.numbers for piece in own[number]]
                (self._plain if one.odd else self._fused)(one, pieces, rate)

    @abstractmethod
    def _fused(self, one: Pass, grads: list[Tensor], rate: float | Tensor) -> None:
        """By torch's fused kernel."""

    @abstractmethod
    def _plain(self, one: Pass, grads: list[Tensor], rate: float | Tensor) -> None:
        """The same, one rounded operation after another, whose order no vector changes."""

    def _passes_of(self, group: Group, moments: Sequence[Sequence[Tensor]]) -> list[Pass]:
        kinds: dict[tuple[float, bool], list[int]] = {}
        for number, leaf in enumerate(self._leaves):
            decays = group.spec.decay_norm or number not in self._norms
            decay = group.spec.weight_decay if decays else 0.0
            kinds.setdefault((decay, _ends_odd(leaf, self._replicas)), []).append(number)
        return [
            Pass(
                group.spec,
                decay,
                odd,
                tuple(numbers),
                self._pieces(self._leaves, numbers, group),
                [self._pieces(of_one, numbers, group) for of_one in moments],
            )
            for (decay, odd), numbers in kinds.items()
        ]

    def _pieces(self, tensors: Sequence[Tensor], numbers: Sequence[int], group: Group) -> list[Tensor]:
        return [piece for number in numbers for piece in self._parts(flat(tensors[number]), group)]

    def _parts(self, memory: Tensor, group: Group) -> list[Tensor]:
        """The group's share of a tensor's memory, neighbouring replicas in one piece."""
        if len(group.replicas) == self._replicas:
            return [memory]
        size = memory.numel() // self._replicas
        runs: list[list[int]] = []
        for number in group.replicas:
            if runs and number == runs[-1][1]:
                runs[-1][1] += 1
            else:
                runs.append([number, number + 1])
        return [memory[first * size : end * size] for first, end in runs]


def _ends_odd(leaf: Tensor, replicas: int) -> bool:
    """Whether a replica's share of it ends within a CPU's vector. The fused kernel rounds the few elements
    behind the last whole vector otherwise than those in vectors, and which they are depends on the pack."""
    return leaf.device.type == "cpu" and leaf.numel() // replicas % _VECTOR != 0
