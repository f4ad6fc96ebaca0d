"""AdamW: Adam with weight decay decoupled from the gradient (Loshchilov & Hutter 2019, algorithm 2)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from model.training.update import Pass, Update

#: β2 and ε of Kingma & Ba 2015, algorithm 1, which Loshchilov & Hutter keep; β1 is the axis `momentum`.
BETA2, EPS = 0.999, 1e-8


class AdamW(Update):
    """As torch.optim.AdamW has it, η times λ being the decay of a step:

    m ← β1·m + (1 − β1)·g; s ← β2·s + (1 − β2)·g²; w ← w − η·λ·w − η·m̂ / (√ŝ + ε), where in step t
    m̂ = m / (1 − β1ᵗ) and ŝ = s / (1 − β2ᵗ).

    t lies on the device, so that a captured step counts; it follows from the epoch, and no state holds it.
    """

    keeps = ("momentum", "squares")

    @torch.no_grad()
    def update(self, grads: Sequence[Tensor], rates: Sequence[float] | Tensor) -> None:
        self._step += 1
        super().update(grads, rates)

    def _fused(self, one: Pass, grads: list[Tensor], rate: float | Tensor) -> None:
        momentum, squares = one.moments
        torch._fused_adamw_(
            one.weights,
            grads,
            momentum,
            squares,
            [],
            [self._step] * len(grads),
            lr=rate,
            beta1=one.spec.momentum,
            beta2=BETA2,
            weight_decay=one.decay,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )

    def _plain(self, one: Pass, grads: list[Tensor], rate: float | Tensor) -> None:
        beta, step, eta = one.spec.momentum, int(self._step), float(rate)  # on a CPU, so nothing waits
        for weight, grad, momentum, squares in zip(one.weights, grads, *one.moments, strict=True):
            weight.mul_(1 - eta * one.decay)
            momentum.mul_(beta).add_(grad * (1 - beta))
            squares.mul_(BETA2).add_(grad * grad * (1 - BETA2))
            root = (squares / (1 - BETA2**step)).sqrt().add_(EPS)
            weight.sub_(momentum / root * (eta / (1 - beta**step)))
