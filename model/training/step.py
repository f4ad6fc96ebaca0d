"""One step of all replicas: forward, loss, backward, update. The only arithmetic of training.

The loss is the sum over replicas of each one's mean over its batch. The gradient of one replica's
weights then holds nothing of another's, and stays finite where another's is not; the update is
elementwise. A replica that diverges stays alone with it.

Weight decay falls on all parameters, γ and β too (Wu & He 2018, section 4.1).

Precision. float32 throughout is the default, on every device: the study compares errors that differ by
tenths of a percent, small batches are bound by launches and memory and not by arithmetic, and only so
do devices agree to rounding. `tf32` (CUDA matrix products and convolutions with a 10-bit mantissa) and
`bf16` (autocast: products in bfloat16, weights, norm statistics and loss in float32) are for
experiments on speed. So are the ways of computing convolutions (`model.net.convolution`), and torch.compile
of forward pass and loss, which compiles for a minute and needs a compiler on the machine.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.sgd import sgd

from model.errors import InputError
from model.net.branches import Branches
from model.net.convolution import CONVOLUTIONS, Convolution, Convolve, grouped, matmul, triton
from model.net.resnet import ResNet
from model.recipe import Recipe

Precision = Literal["fp32", "tf32", "bf16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


_CONVOLVE: dict[str, Convolve] = {"matmul": matmul, "triton": triton}


class Step:
    """SGD with momentum on all replicas, as torch.optim.SGD has it: v ← m·v + g + λ·w; w ← w − η·v."""

    def __init__(
        self,
        net: ResNet,
        recipe: Recipe,
        precision: Precision = "fp32",
        *,
        convolution: Convolution = "grouped",
        compiled: bool = False,
    ) -> None:
        _check(precision, convolution, compiled)
        self.net, self.recipe, self.precision = net, recipe, precision
        self.momentum: list[Tensor] = [torch.zeros_like(p) for p in net.parameters()]
        self._network: ResNet | Branches = net
        self._leaves: list[Tensor] = list(net.parameters())
        momentum = self.momentum
        net.compute_by(_CONVOLVE.get(convolution, grouped), fused=convolution == "triton")
        if convolution == "streams":
            self._network = Branches(net)
            self._leaves = self._network.leaves
            momentum = [m.chunk(net.replicas)[r] for r in range(net.replicas) for m in momentum]
        self._flat_leaves = [_flat(p) for p in self._leaves]
        self._flat_momentum: list[Tensor | None] = [_flat(m) for m in momentum]
        # No bound method kept here: a step in a cycle would hold a dead pack's memory until it is collected.
        self._compiled = torch.compile(self._losses_of, dynamic=False) if compiled else None
        self._ones = torch.empty(0)

    def __call__(self, images: Tensor, labels: Tensor, rate: float | Tensor) -> tuple[Tensor, Tensor]:
        """One update from images [B, R·C, H, W] and labels [R, B]; `rate` may be a tensor on the device.

        Returns the losses [R] and logits [R, B, classes] before the update, detached.
        """
        losses, logits = (self._compiled or self._losses_of)(images, labels)
        if self._ones.shape != losses.shape:
            self._ones = torch.ones_like(losses)
        grads = torch.autograd.grad(losses, self._leaves, self._ones)  # of their sum
        self._update(grads, rate)
        return losses.detach(), logits.detach()

    def _losses_of(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.forward(images)
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        return losses.view(labels.shape).mean(1), logits

    def forward(self, images: Tensor) -> Tensor:
        """Logits [R, B, classes], float32 or wider, of standardised images [B, R·C, H, W]."""
        if self.precision != "bf16":
            out: Tensor = self._network(images)
            return out
        # no cache of cast weights: within a CUDA graph it would outlive the step that made it
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):
            out = self._network(images)
        return out.float()

    @torch.no_grad()
    def _update(self, grads: Sequence[Tensor], rate: float | Tensor) -> None:
        """One fused pass over flat memory, so every gradient must lie as its weight does.

        Flat, because on a CPU the fused kernel copies what is not contiguous, as channels-last weights
        are not (torch 2.15: a tenth of a step at batch size 2).
        """
        flat_grads = [
            _flat(g if g.stride() == p.stride() else torch.empty_like(p).copy_(g))
            for g, p in zip(grads, self._leaves, strict=True)
        ]
        sgd(
            self._flat_leaves,
            flat_grads,
            self._flat_momentum,
            fused=True,
            lr=rate,
            momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )


def _check(precision: str, convolution: str, compiled: bool) -> None:
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
    if convolution not in CONVOLUTIONS:
        raise InputError(f"convolution {convolution!r}; expected one of {', '.join(CONVOLUTIONS)}")
    if compiled and convolution != "grouped":
        raise InputError(f"torch.compile goes with grouped convolutions alone, not with {convolution}")


def _flat(tensor: Tensor) -> Tensor:
    """The memory of a dense tensor as one dimension, in whatever order its elements lie."""
    tensor = tensor.detach()
    return tensor if tensor.dim() == 1 else tensor.as_strided((tensor.numel(),), (1,))
