"""One step of all replicas: forward, loss, backward, update. The only arithmetic of training.

The loss is the sum over replicas of each one's mean over its batch. The gradient of one replica's
weights then holds nothing of another's, and stays finite where another's is not; the update is
elementwise. A replica that diverges stays alone with it.

Weight decay falls on all parameters, γ and β too (Wu & He 2018, section 4.1), unless the cell says otherwise.

Which precision products have is the cells' own (`model.precision`), and the network's to follow.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from model.net.network import ReplicaNetwork
from model.net.parts import of_the_classifier, of_the_norms
from model.precision import checked
from model.spec import Spec
from model.training.adamw import AdamW
from model.training.clip import Clip, clips
from model.training.sgd import Sgd
from model.training.update import Update, groups

#: By the name that a cell has for it (`model.optimizer_table`).
UPDATES: Mapping[str, type[Update]] = {"sgd": Sgd, "sgd-nesterov": Sgd, "adamw": AdamW}


class Step:
    """A step of every replica; what replica r is trained by stands in specs[r].

    `net` must have its device, dtype and memory format already. `moments`: what the optimiser remembers, by
    its name, like the parameters, in order. `groups`: of replicas that are updated alike.

    Raises InputError where the cells ask for what the network has no part for.
    """

    def __init__(self, net: ReplicaNetwork, specs: Sequence[Spec]) -> None:
        self.net, self.precision = net, checked(specs[0].precision)
        kind, parameters = UPDATES[specs[0].optimizer], list(net.parameters())
        self.moments = {name: [torch.zeros_like(p) for p in parameters] for name in kind.keeps}
        self._leaves = self.of_leaves(parameters)
        self.groups = groups(specs)
        self._smoothed = _by_smoothing(specs, self._leaves[0].device)
        self.optimizer = kind(
            self._leaves,
            [self.of_leaves(moment) for moment in self.moments.values()],
            net.replicas,
            self.groups,
            norms=of_the_norms(net) if any(not spec.decay_norm for spec in specs) else (),
            clip=self._clip(specs),
        )
        self._ones = torch.empty(0)

    def __call__(
        self, images: Tensor, labels: Tensor, rates: Sequence[float] | Tensor
    ) -> tuple[Tensor, Tensor]:
        """One update from images [B, R·C, H, W] and labels [R, B].

        `rates`: the learning rate of each group, perhaps as a tensor on the device.

        Returns the losses [R] and logits [R, B, classes] before the update, detached.
        """
        losses, logits = self.losses(images, labels)
        if self._ones.shape != losses.shape:
            self._ones = torch.ones_like(losses)
        grads = torch.autograd.grad(losses, self._leaves, self._ones)  # of their sum
        self.optimizer.update(grads, rates)
        return losses.detach(), logits.detach()

    def of_leaves(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The parameters, or tensors like them, as gradients are taken of them."""
        return list(tensors)

    def _clip(self, specs: Sequence[Spec]) -> Clip | None:
        if not clips(specs):
            return None
        spared = of_the_classifier(self.net) if clips(specs, "agc") else ()
        return Clip(self._leaves, self.net.replicas, specs, spared)

    def losses(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Each replica's mean cross-entropy over its batch [R], and the logits [R, B, classes]."""
        logits = self.net(images)
        if len(self._smoothed) == 1:
            (smoothing,) = self._smoothed
            return _cross_entropy(logits, labels, smoothing), logits
        losses = logits.new_zeros(len(labels))
        for smoothing, numbers in self._smoothed.items():
            own = _cross_entropy(logits.index_select(0, numbers), labels.index_select(0, numbers), smoothing)
            losses = losses.index_copy(0, numbers, own)
        return losses, logits


def _by_smoothing(specs: Sequence[Spec], device: torch.device) -> dict[float, Tensor]:
    """By label smoothing, the numbers of the replicas that have it; on the device, as a capture needs."""
    numbers: dict[float, list[int]] = {}
    for number, spec in enumerate(specs):
        numbers.setdefault(spec.label_smoothing, []).append(number)
    return {smoothing: torch.tensor(own, device=device) for smoothing, own in numbers.items()}


def _cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Each replica's mean over its batch [R], of logits [R, B, classes] and labels [R, B].

    `smoothing`: the share of a label that is spread over all classes (Szegedy et al. 2016, section 7).
    """
    losses = F.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=smoothing
    )
    return losses.view(labels.shape).mean(1)
