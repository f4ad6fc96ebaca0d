"""Training R seeds of one cell, an epoch at a time: what is state, and what can be derived?

State is weights, momentum and running statistics, per replica; nothing else. The order of images, the
crops and the learning rate follow from (seed, epoch, step), so a run cut after any epoch goes on, in
any pack, as if nothing had happened, on a CPU to the last bit where the pack stays the same.

The loss is the sum over replicas of each one's mean over its batch. The gradient of one replica's
weights then holds nothing of another's, and stays finite where another's is not; the update is
elementwise. A replica that diverges stays alone with it.

Weight decay falls on all parameters, γ and β too (Wu & He 2018, section 4.1: "on all learned layers").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from model import augment, replicas
from model.data import Dataset
from model.errors import InputError
from model.initial import initialise
from model.recipe import RECIPES
from model.resnet import ResNet
from model.spec import Spec

#: Images of all replicas that are augmented at once: keeps the copies inside a core's caches.
CHUNK_IMAGES = 512
#: Images of all replicas that are evaluated at once.
EVAL_IMAGES = 500


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of one replica. Errors in percent; NaN where the replica has diverged.

    `train_loss` and `train_error` are means over the epoch's batches as they were trained on, the
    weights changing meanwhile. Exactly one of `test_error` and `val_error` is set.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_error: float
    test_error: float | None
    val_error: float | None


class Training:
    """R seeds of one cell in training.

    Raises InputError where the training set holds less than one batch.
    """

    def __init__(
        self,
        spec: Spec,
        seeds: Sequence[int],
        data: Dataset,
        device: torch.device | str = "cpu",
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        size = len(data.train_labels)
        if spec.batch_size > size:
            raise InputError(
                f"a batch of {spec.batch_size} is larger than the training set of {data.info.name}, "
                f"{size} images; choose a smaller batch size"
            )
        self.spec, self.seeds, self.data = spec, tuple(seeds), data
        self.device, self.dtype = torch.device(device), dtype
        self.recipe = RECIPES[spec.recipe]
        self.epoch = 0
        self.total_steps = spec.total_steps(size + spec.holdout)
        self.total_epochs = spec.total_epochs(size + spec.holdout)
        self._steps_per_epoch = spec.steps_per_epoch(size + spec.holdout)
        self._images = data.train_images.to(self.device)
        self._labels = data.train_labels.to(self.device)
        self._mean = data.mean.to(self.device, dtype)
        self._std = data.std.to(self.device, dtype)
        net = ResNet(spec, data.info.channels, len(data.classes), len(self.seeds))
        initialise(net, self.seeds, self.recipe.zero_gamma)
        self.net = net.to(self.device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._params = list(self.net.parameters())
        self._momentum = [torch.zeros_like(p) for p in self._params]

    # -- an epoch ----------------------------------------------------------------------------------

    def run_epoch(self) -> list[EpochMetrics]:
        """Train one epoch, then evaluate on the whole evaluation set. One entry per seed, in order."""
        if self.epoch >= self.total_epochs:
            raise RuntimeError(f"all {self.total_epochs} epochs are trained")
        first = self.epoch * self._steps_per_epoch
        steps = min(self._steps_per_epoch, self.total_steps - first)
        losses, wrong = self._train(first, steps)
        errors = self._evaluate()
        self.epoch += 1
        rate = self.recipe.learning_rate(first + steps - 1, self.total_steps, self.spec.batch_size)
        return [
            EpochMetrics(
                epoch=self.epoch,
                learning_rate=rate,
                train_loss=loss if abs(loss) < float("inf") else float("nan"),
                train_error=train_error if abs(loss) < float("inf") else float("nan"),
                test_error=error if self.data.which == "test" else None,
                val_error=error if self.data.which == "validation" else None,
            )
            for loss, train_error, error in zip(losses, wrong, errors, strict=True)
        ]

    def _train(self, first: int, steps: int) -> tuple[list[float], list[float]]:
        """Mean loss and error in percent of each replica over `steps` steps from step `first` on."""
        batch, count = self.spec.batch_size, len(self.seeds)
        self.net.train()
        loss_sum = torch.zeros(count, dtype=torch.float64, device=self.device)
        wrong = torch.zeros(count, dtype=torch.int64, device=self.device)
        step = first
        for images, labels in self._batches(steps):
            rate = self.recipe.learning_rate(step, self.total_steps, batch)
            losses, logits = self._step(images, labels, rate)
            loss_sum += losses
            wrong += (logits.argmax(2) != labels).sum(1)
            step += 1
        errors = wrong.double() / (steps * batch) * 100
        return (loss_sum / steps).tolist(), errors.tolist()

    def _batches(self, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images [B, R·C, H, W], standardised, and labels [R, B], of each step of the epoch at hand."""
        batch = self.spec.batch_size
        order = augment.draw(self.data, self.seeds, self.epoch + 1, steps, batch, device=self.device)
        chunk = max(1, CHUNK_IMAGES // (batch * len(self.seeds)))
        for start in range(0, steps, chunk):
            part = order.part(start, min(start + chunk, steps))
            raw = augment.batches(self._images, part, self.data.pad)
            images = augment.standardise(raw, self._mean, self._std)
            labels = self._labels[part.index].transpose(1, 2).contiguous()
            yield from zip(images.unbind(), labels.unbind(), strict=True)

    def _step(self, images: Tensor, labels: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """One update of all replicas. Returns losses [R] and logits [R, B, classes], detached."""
        logits = self.net(images)
        losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        losses = losses.view(labels.shape).mean(1)
        grads = torch.autograd.grad(losses.sum(), self._params)
        self._update(list(grads), rate)
        return losses.detach(), logits.detach()

    @torch.no_grad()
    def _update(self, grads: list[Tensor], rate: float) -> None:
        """SGD with momentum as torch.optim.SGD: v ← m·v + g + λ·w; w ← w − rate·v."""
        torch._foreach_add_(grads, self._params, alpha=self.recipe.weight_decay)
        torch._foreach_mul_(self._momentum, self.recipe.momentum)
        torch._foreach_add_(self._momentum, grads)
        torch._foreach_add_(self._params, self._momentum, alpha=-rate)

    @torch.no_grad()
    def _evaluate(self) -> list[float]:
        """Error of each replica on the whole evaluation set, in percent, never augmented."""
        self.net.eval()
        count = len(self.seeds)
        labels = self.data.eval_labels.to(self.device)
        wrong = torch.zeros(count, dtype=torch.int64, device=self.device)
        finite = torch.ones(count, dtype=torch.bool, device=self.device)
        size = max(1, EVAL_IMAGES // count)
        for start in range(0, len(labels), size):
            images = self.data.eval_images[start : start + size].to(self.device)
            images = augment.standardise(images, self._mean, self._std).repeat(1, count, 1, 1)
            logits = self.net(images.contiguous(memory_format=torch.channels_last))
            wrong += (logits.argmax(2) != labels[start : start + size]).sum(1)
            finite &= logits.isfinite().flatten(1).all(1)
        errors = (wrong.double() / len(labels) * 100).tolist()
        return [e if ok else float("nan") for e, ok in zip(errors, finite.tolist(), strict=True)]

    # -- state -------------------------------------------------------------------------------------

    def state(self) -> list[dict[str, Any]]:
        """Per seed what `load_state` needs: CPU tensors and ints, copies, safe to keep."""
        parts = [replicas.cut(tensors, len(self.seeds)) for tensors in self._tensors()]
        return [
            {"epoch": self.epoch, "weights": w, "momentum": m, "statistics": s}
            for w, m, s in zip(*parts, strict=True)
        ]

    def load_state(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from states of the same epoch, one per seed in order, out of any earlier packs.

        Raises ValueError where they do not belong together or to this cell.
        """
        epochs = {int(state["epoch"]) for state in states}
        if len(states) != len(self.seeds) or len(epochs) != 1:
            raise ValueError(
                f"{len(states)} states of epochs {sorted(epochs)} for {len(self.seeds)} replicas"
            )
        for name, tensors in zip(("weights", "momentum", "statistics"), self._tensors(), strict=True):
            replicas.join(tensors, [state[name] for state in states])
        self.epoch = epochs.pop()

    def weights(self) -> list[dict[str, Tensor]]:
        """Per seed, weights and running statistics under the names and shapes of `model.plain`."""
        return [{**state["weights"], **state["statistics"]} for state in self.state()]

    def _tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        weights: dict[str, Tensor] = dict(self.net.named_parameters())
        momentum = dict(zip(weights, self._momentum, strict=True))
        return weights, momentum, dict(self.net.named_buffers())
