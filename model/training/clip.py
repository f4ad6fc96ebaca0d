"""Gradients clipped, each replica's by its own numbers alone. Nothing waits for the device."""

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from model.spec import Spec

#: Added to the norm of gradients, as in torch.nn.utils.clip_grad_norm_.
_TINY = 1e-6
#: Weights whose norm is below it count as if it were it: ε of Brock et al. 2021, equation 3.
LEAST_NORM = 1e-3


class Clip:
    """What a pack's cells say of clipping; replicas that are not clipped keep their gradients to the bit.

    `norm`: all gradients of a replica times min(1, c / (‖g‖ + 10⁻⁶)), where ‖g‖ is the norm of all of them
    together (Pascanu et al. 2013, algorithm 1, as torch.nn.utils.clip_grad_norm_ has it).

    `agc`: the gradient G of a unit whose weights are W times min(1, λ·max(‖W‖, ε) / ‖G‖) (Brock et al. 2021,
    equation 3). A unit is a row of a weight: all that leads to one output; a bias, γ or β of one layer is one
    unit, as in the authors' code. The classifier is left alone (section 4.1): the leaves whose numbers are
    `spared`.

    On a CPU a replica has the same numbers in any pack: norms are sums over rows, whose order does not depend
    on how many rows there are.
    """

    def __init__(
        self, leaves: Sequence[Tensor], replicas: int, specs: Sequence[Spec], spared: Collection[int] = ()
    ) -> None:
        self._replicas, self._weights = replicas, [flat(leaf) for leaf in leaves]
        self._clipped = [torch.empty_like(memory) for memory in self._weights]
        self._by_norm = _limits(specs, "norm", leaves[0])
        self._by_unit = _limits(specs, "agc", leaves[0])
        units = [leaf.shape[0] if leaf.dim() > 1 else replicas for leaf in leaves]
        self._units = {number: count for number, count in enumerate(units) if number not in spared}
        self._one = torch.ones_like(flat(leaves[0])[:1])  # where a captured step may read it
        if self._by_unit is not None:
            shares = [self._by_unit.repeat_interleave(n // replicas) for n in self._units.values()]
            self._shares = torch.cat(shares)

    def __call__(self, grads: list[Tensor]) -> list[Tensor]:
        """The clipped gradients, in memory that the next call uses again; `grads`: of every leaf, flat.

        Of their own, since two leaves may have one gradient.
        """
        if self._by_norm is not None:
            grads = self._clipped_by_norm(grads, self._by_norm)
        return grads if self._by_unit is None else self._clipped_by_unit(grads)

    def _clipped_by_norm(self, grads: list[Tensor], limits: Tensor) -> list[Tensor]:
        norms = torch.stack([_norms(grad, self._replicas) for grad in grads], 1)
        factors = (limits / (torch.linalg.vector_norm(norms, dim=1) + _TINY)).clamp(max=1.0)
        factors = factors.where(limits.isfinite(), self._one)
        return [self._scaled(number, grad, factors) for number, grad in enumerate(grads)]

    def _clipped_by_unit(self, grads: list[Tensor]) -> list[Tensor]:
        norms = torch.cat([_norms(grads[number], count) for number, count in self._units.items()])
        weights = torch.cat([_norms(self._weights[number], count) for number, count in self._units.items()])
        most = self._shares * weights.clamp(min=LEAST_NORM)
        factors = torch.split((most / norms).where(norms > most, self._one), list(self._units.values()))
        clipped = dict(zip(self._units, factors, strict=True))
        return [
            self._scaled(number, grad, clipped[number]) if number in clipped else grad
            for number, grad in enumerate(grads)
        ]

    def _scaled(self, number: int, grad: Tensor, factors: Tensor) -> Tensor:
        """A leaf's gradient with its rows times their factors."""
        rows = self._clipped[number].view(len(factors), -1)
        torch.mul(grad.view(len(factors), -1), factors.view(-1, 1), out=rows)
        return self._clipped[number]


def flat(tensor: Tensor) -> Tensor:
    """The memory of a dense tensor as one dimension, in whatever order its elements lie."""
    tensor = tensor.detach()
    return tensor if tensor.dim() == 1 else tensor.as_strided((tensor.numel(),), (1,))


def clips(specs: Sequence[Spec], kind: str | None = None) -> bool:
    """Whether any replica is clipped; where `kind` is said, so."""
    return any(spec.grad_clip != "none" and kind in {None, spec.grad_clip} for spec in specs)


def _limits(specs: Sequence[Spec], kind: str, like: Tensor) -> Tensor | None:
    """Where each replica is clipped [R], infinity where it is not so; None where none is."""
    if not clips(specs, kind):
        return None
    limits = [spec.clip_at if spec.grad_clip == kind else None for spec in specs]
    return torch.tensor(
        [math.inf if limit is None else limit for limit in limits], dtype=like.dtype, device=like.device
    )


def _norms(memory: Tensor, rows: int) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(memory.view(rows, -1), dim=1)
    return norms
