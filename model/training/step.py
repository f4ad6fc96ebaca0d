"""One step of all replicas: forward, loss, backward, update. The only arithmetic of training.

The loss is the sum over replicas of each one's mean over its batch. The gradient of one replica's
weights then holds nothing of another's, and stays finite where another's is not; the update is
elementwise. A replica that diverges stays alone with it.

Weight decay falls on all parameters, γ and β too (Wu & He 2018, section 4.1).

Precision. float32 throughout is the default, on every device: the study compares errors that differ by
tenths of a percent, small batches are bound by launches and memory and not by arithmetic, and only so
do devices agree to rounding. `tf32` (CUDA matrix products and convolutions with a 10-bit mantissa) and
`bf16` (autocast: products in bfloat16, weights, norm statistics and loss in float32) are for
experiments on speed. Other ways of computing a step are subclasses in `model.bench.steps`.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.sgd import sgd

from model.errors import InputError
from model.net.network import ReplicaNetwork
from model.recipe import Recipe

Precision = Literal["fp32", "tf32", "bf16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
#: Elements: a multiple of any CPU vector's, of float32 and of float64.
_VECTOR = 16


class Step:
    """SGD with momentum on all replicas, as torch.optim.SGD has it: v ← m·v + g + λ·w; w ← w − η·v.

    `net` must have its device, dtype and memory format already. `momentum`: like its parameters, in order.
    """

    def __init__(self, net: ReplicaNetwork, recipe: Recipe, precision: Precision = "fp32") -> None:
        if precision not in PRECISIONS:
            raise InputError(f"precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
        self.net, self.recipe, self.precision = net, recipe, precision
        self.momentum: list[Tensor] = [torch.zeros_like(p) for p in net.parameters()]
        self._leaves, momentum = self.leaves()
        self._flat_leaves = [_flat(p) for p in self._leaves]
        self._flat_momentum = [_flat(m) for m in momentum]
        self._odd = [n for n, p in enumerate(self._leaves) if _ends_odd(p, net.replicas)]
        self._fused = _without(self._flat_leaves, self._odd), _without(self._flat_momentum, self._odd)
        self._ones = torch.empty(0)

    def __call__(self, images: Tensor, labels: Tensor, lr: float | Tensor) -> tuple[Tensor, Tensor]:
        """One update from images [B, R·C, H, W] and labels [R, B]; `lr` may be a tensor on the device.

        Returns the losses [R] and logits [R, B, classes] before the update, detached.
        """
        losses, logits = self.losses(images, labels)
        if self._ones.shape != losses.shape:
            self._ones = torch.ones_like(losses)
        grads = torch.autograd.grad(losses, self._leaves, self._ones)  # of their sum
        self.update(grads, lr)
        return losses.detach(), logits.detach()

    def leaves(self) -> tuple[list[Tensor], list[Tensor]]:
        """What gradients are taken of, and the momentum of each."""
        return list(self.net.parameters()), self.momentum

    def losses(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Each replica's mean cross-entropy over its batch [R], and the logits [R, B, classes]."""
        logits = self.forward(images)
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        return losses.view(labels.shape).mean(1), logits

    def forward(self, images: Tensor) -> Tensor:
        """Logits [R, B, classes], float32 or wider, of standardised images [B, R·C, H, W]."""
        if self.precision != "bf16":
            return self.network(images)
        # no cache of cast weights: within a CUDA graph it would outlive the step that made it
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):
            out = self.network(images)
        return out.float()

    def network(self, images: Tensor) -> Tensor:
        """Logits [R, B, classes] in whatever dtype the network computes."""
        out: Tensor = self.net(images)
        return out

    @torch.no_grad()
    def update(self, grads: Sequence[Tensor], lr: float | Tensor) -> None:
        """One fused pass over flat memory; `grads`: of each of the `leaves`, in order.

        Flat, because on a CPU the fused kernel copies what is not contiguous, as channels-last weights
        are not (torch 2.15: a tenth of a step at batch size 2). So every gradient must lie as its weight.
        """
        flat_grads = [
            _flat(g if g.stride() == p.stride() else torch.empty_like(p).copy_(g))
            for g, p in zip(grads, self._leaves, strict=True)
        ]
        for n in self._odd:
            self._update_plainly(self._flat_leaves[n], flat_grads[n], self._flat_momentum[n], lr)
        leaves, momentum = self._fused
        sgd(
            leaves,
            _without(flat_grads, self._odd),
            list(momentum),
            fused=True,
            lr=lr,
            momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )

    def _update_plainly(self, weight: Tensor, grad: Tensor, momentum: Tensor, lr: float | Tensor) -> None:
        """The same update, one rounded operation after another, whose order no vector changes."""
        momentum.mul_(self.recipe.momentum).add_(grad + weight * self.recipe.weight_decay)
        weight.sub_(momentum * lr)


def _without(tensors: Sequence[Tensor], numbers: Sequence[int]) -> list[Tensor]:
    return [tensor for n, tensor in enumerate(tensors) if n not in numbers]


def _ends_odd(leaf: Tensor, replicas: int) -> bool:
    """Whether a replica's share of it ends within a CPU's vector. The fused kernel rounds the few elements
    behind the last whole vector otherwise than those in vectors, and which they are depends on the pack."""
    return leaf.device.type == "cpu" and leaf.numel() // replicas % _VECTOR != 0


def _flat(tensor: Tensor) -> Tensor:
    """The memory of a dense tensor as one dimension, in whatever order its elements lie."""
    tensor = tensor.detach()
    return tensor if tensor.dim() == 1 else tensor.as_strided((tensor.numel(),), (1,))
