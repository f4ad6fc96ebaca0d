"""One step of all replicas: forward, loss, backward, update. The only arithmetic of training.

The loss is the sum over replicas of each one's mean over its batch. The gradient of one replica's
weights then holds nothing of another's, and stays finite where another's is not; the update is
elementwise. A replica that diverges stays alone with it.

Weight decay falls on all parameters, γ and β too (Wu & He 2018, section 4.1).

Precision. float32 throughout is the default, on every device: the study compares errors that differ by
tenths of a percent, small batches are bound by launches and memory and not by arithmetic, and only so
do devices agree to rounding. `tf32` (CUDA matrix products and convolutions with a 10-bit mantissa) and
`bf16` (autocast: products in bfloat16, weights, norm statistics and loss in float32) are for
experiments on speed.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.sgd import sgd

from model.errors import InputError
from model.recipe import Recipe
from model.resnet import ResNet

Precision = Literal["fp32", "tf32", "bf16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


class Step:
    """SGD with momentum on all replicas, as torch.optim.SGD has it: v ← m·v + g + λ·w; w ← w − η·v."""

    def __init__(self, net: ResNet, recipe: Recipe, precision: Precision = "fp32") -> None:
        if precision not in PRECISIONS:
            raise InputError(f"precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
        self.net, self.recipe, self.precision = net, recipe, precision
        self.params: list[Tensor] = list(net.parameters())
        self.momentum: list[Tensor] = [torch.zeros_like(p) for p in self.params]
        self._flat_params = [_flat(p) for p in self.params]
        self._flat_momentum: list[Tensor | None] = [_flat(m) for m in self.momentum]

    def __call__(self, images: Tensor, labels: Tensor, rate: float | Tensor) -> tuple[Tensor, Tensor]:
        """One update from images [B, R·C, H, W] and labels [R, B]; `rate` may be a tensor on the device.

        Returns the losses [R] and logits [R, B, classes] before the update, detached.
        """
        logits = self.forward(images)
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        losses = losses.view(labels.shape).mean(1)
        grads = torch.autograd.grad(losses.sum(), self.params)
        self._update(grads, rate)
        return losses.detach(), logits.detach()

    def forward(self, images: Tensor) -> Tensor:
        """Logits [R, B, classes], float32 or wider, of standardised images [B, R·C, H, W]."""
        if self.precision != "bf16":
            out: Tensor = self.net(images)
            return out
        # no cache of cast weights: within a CUDA graph it would outlive the step that made it
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):
            out = self.net(images)
        return out.float()

    @torch.no_grad()
    def _update(self, grads: Sequence[Tensor], rate: float | Tensor) -> None:
        """One fused pass over flat memory, so every gradient must lie as its weight does.

        Flat, because on a CPU the fused kernel copies what is not contiguous, as channels-last weights
        are not (torch 2.15: a tenth of a step at batch size 2).
        """
        flat_grads = [
            _flat(g if g.stride() == p.stride() else torch.empty_like(p).copy_(g))
            for g, p in zip(grads, self.params, strict=True)
        ]
        sgd(
            self._flat_params,
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


def _flat(tensor: Tensor) -> Tensor:
    """The memory of a dense tensor as one dimension, in whatever order its elements lie."""
    tensor = tensor.detach()
    return tensor if tensor.dim() == 1 else tensor.as_strided((tensor.numel(),), (1,))
