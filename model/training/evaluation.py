"""R finished networks of one cell, evaluated as training evaluates them: the same pack, kernels and batches.

So what a trial's result says of its weights is found again to the last bit where training repeats to the last
bit, and a network that says something else is not the one that was judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from model.data import augment
from model.data.dataset import DataInfo, Dataset
from model.kernels import Kernels
from model.net import replicas
from model.net.build import network
from model.norm_table import Statistics
from model.randomness import stream
from model.spec import Spec
from model.training.statistics import batch_statistics, kept, measure
from model.training.training import Training

#: Images from which statistics are measured at once. Each batch's own moments stand between a layer and the
#: next, so the larger it is, the nearer to what the network is then judged by.
PRECISE_BATCH = 256

#: A data set's own images to judge on, its training images as they are, or images of another set.
Split = Literal["own", "train", "other"]


@dataclass(frozen=True)
class Outcome:
    """What one network says of n images.

    `predictions`: the class of each, int64 [n]. `wrong`: how many are not the label. `loss`: mean
    cross-entropy, without label smoothing; NaN where a logit is not finite, and then the rest means nothing.
    """

    predictions: Tensor
    wrong: int
    loss: float

    @property
    def error(self) -> float:
        """In percent, computed as training computes it."""
        return self.wrong / len(self.predictions) * 100


class Evaluation(Training):
    """Networks with their final weights. The arguments are those of `Training`.

    Products have the precision that they were trained in, but for TF32 on a CPU.
    """

    def __init__(
        self,
        spec: Spec | Sequence[Spec],
        seeds: Sequence[int],
        data: Dataset,
        device: torch.device | str = "cpu",
        *,
        dtype: torch.dtype = torch.float32,
        kernels: Kernels | None = None,
    ) -> None:
        specs = (spec,) * len(seeds) if isinstance(spec, Spec) else spec
        super().__init__(
            [_as_judged(one, torch.device(device)) for one in specs],
            seeds,
            data,
            device,
            dtype=dtype,
            kernels=kernels,
        )
        self._own = (self._source.eval_images, self._source.eval_labels)

    def load_weights(self, weights: Sequence[Mapping[str, Tensor]]) -> None:
        """The tensors of each weights.pt, in the order of the seeds. Raises ValueError where one misfits."""
        tensors: dict[str, Tensor] = {**dict(self.net.named_parameters()), **dict(self.net.named_buffers())}
        replicas.stack(tensors, weights)

    def judge(
        self, split: Split, statistics: Statistics, other: tuple[Tensor, Tensor] | None = None
    ) -> list[Outcome]:
        """What each network says of those images, never augmented.

        `other`: images uint8 [n, C, H, W] and labels int64 [n] of `split` "other". `statistics`: "batch"
        takes batches of the training's own size, of the images in one fixed random order, so that a batch has
        classes as training has them; what the last one lacks is filled up from the beginning of the order,
        and every image is counted once. "precise" measures over the training images as the epoch after the
        last would show them, `PRECISE_BATCH` at once; what does not fill a batch is left out.
        """
        source = self._source
        chosen = {"own": self._own, "train": (source.images, source.labels)}.get(split, other)
        assert chosen is not None
        source.eval_images, source.eval_labels = (tensor.to(self.device) for tensor in chosen)
        try:
            with self._on_device(), self._arithmetic(), torch.no_grad(), kept(self.net):
                return self._judge(statistics)
        finally:
            source.eval_images, source.eval_labels = self._own

    def _judge(self, statistics: Statistics) -> list[Outcome]:
        self.net.eval()
        labels = self._source.eval_labels
        parts: Sequence[Any] = self._eval_parts()
        if statistics == "precise":
            measure(self.net, self._training_batches())
        if statistics == "batch":
            parts = list(shuffled(len(labels), self.spec.batch_size).to(self.device))
        with batch_statistics(self.net) if statistics == "batch" else nullcontext():
            answers = [_answers(self._eval_logits(part), labels[part]) for part in parts]
        predictions, losses = (torch.cat(parts, 1) for parts in zip(*answers, strict=True))
        if statistics == "batch":
            back = torch.cat([*map(torch.as_tensor, parts)])[: len(labels)].argsort()
            predictions, losses = (t[:, : len(labels)][:, back] for t in (predictions, losses))
        wrong = (predictions != labels).sum(1).tolist()
        return [Outcome(*one) for one in zip(predictions.cpu(), wrong, losses.mean(1).tolist(), strict=True)]

    def _training_batches(self) -> Iterator[Tensor]:
        """Standardised images [B, R·C, H, W] of an epoch, each seed's in its own order and augmentation."""
        count = len(self.data.train_labels)
        size = min(PRECISE_BATCH, count)
        steps = count // size
        order = augment.draw(self.data, self.seeds, self.total_epochs + 1, steps, size, device=self.device)
        for step in range(steps):
            (raw,) = augment.batches(self._source.images, order.part(step, step + 1), self.data.pad)
            yield self._source.standardise(raw)


def _as_judged(spec: Spec, device: torch.device) -> Spec:
    """A cell of TF32 on a CPU, which has none, in float32: nearer to what was meant than nothing."""
    nowhere = device.type == "cpu" and spec.precision == "tf32"
    return replace(spec, precision="fp32") if nowhere else spec


def tensors_of(spec: Spec, info: DataInfo) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Shape and type of each tensor that a weights.pt of such a network has, by name."""
    net = network(spec, info, [0], zero_gamma=False, together=False)
    return {name: (one.shape, one.dtype) for name, one in [*net.named_parameters(), *net.named_buffers()]}


def shuffled(count: int, size: int) -> Tensor:
    """Images 0 to count − 1 in a fixed random order, in batches: int64 [⌈count / size⌉, size]. Where they do
    not fill the last, the order begins again."""
    order = torch.randperm(count, generator=stream(0, "order of evaluation"))
    steps = -(-count // size)
    return order.repeat(-(-steps * size // count))[: steps * size].view(steps, size)


def _answers(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Classes and losses, each [R, n], of logits [R, n, classes]; a loss is NaN where a logit is none."""
    repeated = labels.expand(len(logits), -1)
    losses = F.cross_entropy(logits.double().flatten(0, 1), repeated.flatten(), reduction="none")
    finite = logits.isfinite().all(2)
    return logits.argmax(2), losses.view(finite.shape).where(finite, float("nan"))
