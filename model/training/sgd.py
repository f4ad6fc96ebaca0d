"""The update of all replicas: stochastic gradient descent with momentum, elementwise.

Elementwise, so replicas may differ in learning rate, momentum and weight decay: those that have the same
values are one group, and each group is one fused pass over its share of every tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.sgd import sgd

from model.spec import Spec

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


class Sgd:
    """As torch.optim.SGD has it: v ← m·v + g + λ·w; w ← w − η·v, or Nesterov's w ← w − η·(g + λ·w + m·v).

    `leaves`: of every tensor, all replicas outermost in the first dimension. `momentum`: v, like the leaves.
    """

    def __init__(
        self, leaves: Sequence[Tensor], momentum: Sequence[Tensor], replicas: int, groups: Sequence[Group]
    ) -> None:
        self._leaves, self._replicas = leaves, replicas
        self._odd = [n for n, p in enumerate(leaves) if _ends_odd(p, replicas)]
        self._shares = [
            _Share(
                group,
                [self._parts(_flat(p), group) for p in leaves],
                [self._parts(_flat(m), group) for m in momentum],
            )
            for group in groups
        ]

    @torch.no_grad()
    def update(self, grads: Sequence[Tensor], rates: Sequence[float] | Tensor) -> None:
        """One pass over flat memory; `grads`: of each leaf, in order; `rates`: η of each group.

        Flat, because on a CPU the fused kernel copies what is not contiguous, as channels-last weights
        are not (torch 2.15: a tenth of a step at batch size 2). So every gradient must lie as its weight.
        """
        flat = [
            _flat(g if g.stride() == p.stride() else torch.empty_like(p).copy_(g))
            for g, p in zip(grads, self._leaves, strict=True)
        ]
        for share, lr in zip(self._shares, rates, strict=True):
            own = [self._parts(grad, share.group) for grad in flat]
            for n in self._odd:
                for weight, grad, momentum in zip(share.leaves[n], own[n], share.momentum[n], strict=True):
                    _update_plainly(weight, grad, momentum, lr, share.group.spec)
            sgd(
                self._fused(share.leaves),
                self._fused(own),
                list(self._fused(share.momentum)),
                fused=True,
                lr=lr,
                momentum=share.group.spec.momentum,
                weight_decay=share.group.spec.weight_decay,
                dampening=0.0,
                nesterov=share.group.spec.optimizer == "sgd-nesterov",
                maximize=False,
            )

    def _fused(self, parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        return [part for n, own in enumerate(parts) if n not in self._odd for part in own]

    def _parts(self, flat: Tensor, group: Group) -> list[Tensor]:
        """The group's share of a tensor's memory, neighbouring replicas in one piece."""
        if len(group.replicas) == self._replicas:
            return [flat]
        size = flat.numel() // self._replicas
        runs: list[list[int]] = []
        for number in group.replicas:
            if runs and number == runs[-1][1]:
                runs[-1][1] += 1
            else:
                runs.append([number, number + 1])
        return [flat[first * size : end * size] for first, end in runs]


@dataclass(frozen=True)
class _Share:
    """A group's pieces of every leaf and its momentum."""

    group: Group
    leaves: Sequence[Sequence[Tensor]]
    momentum: Sequence[Sequence[Tensor]]


def _update_plainly(weight: Tensor, grad: Tensor, momentum: Tensor, lr: float | Tensor, spec: Spec) -> None:
    """The same update, one rounded operation after another, whose order no vector changes."""
    decayed = grad + weight * spec.weight_decay
    momentum.mul_(spec.momentum).add_(decayed)
    change = decayed + momentum * spec.momentum if spec.optimizer == "sgd-nesterov" else momentum
    weight.sub_(change * lr)


def _ends_odd(leaf: Tensor, replicas: int) -> bool:
    """Whether a replica's share of it ends within a CPU's vector. The fused kernel rounds the few elements
    behind the last whole vector otherwise than those in vectors, and which they are depends on the pack."""
    return leaf.device.type == "cpu" and leaf.numel() // replicas % _VECTOR != 0


def _flat(tensor: Tensor) -> Tensor:
    """The memory of a dense tensor as one dimension, in whatever order its elements lie."""
    tensor = tensor.detach()
    return tensor if tensor.dim() == 1 else tensor.as_strided((tensor.numel(),), (1,))
