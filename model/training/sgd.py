"""Stochastic gradient descent with momentum."""

from torch import Tensor
from torch.optim.sgd import sgd

from model.training.update import Pass, Update


class Sgd(Update):
    """As torch.optim.SGD has it: v ← m·v + g + λ·w; w ← w − η·v, or Nesterov's w ← w − η·(g + λ·w + m·v)."""

    keeps = ("momentum",)

    def _fused(self, one: Pass, grads: list[Tensor], rate: float | Tensor) -> None:
        (momentum,) = one.moments
        sgd(
            one.weights,
            grads,
            [*momentum],
            fused=True,
            lr=rate,
            momentum=one.spec.momentum,
            weight_decay=one.decay,
            dampening=0.0,
            nesterov=one.spec.optimizer == "sgd-nesterov",
            maximize=False,
        )

    def _plain(self, one: Pass, grads: list[Tensor], rate: float | Tensor) -> None:
        m = one.spec.momentum
        for weight, grad, momentum in zip(one.weights, grads, *one.moments, strict=True):
            decayed = grad + weight * one.decay
            momentum.mul_(m).add_(decayed)
            change = decayed + momentum * m if one.spec.optimizer == "sgd-nesterov" else momentum
            weight.sub_(change * rate)
