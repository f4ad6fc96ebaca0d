"""What one epoch of one replica sees: order, crops and mirrors, drawn ahead, applied in blocks.

Nothing here is done per step. An epoch's permutation, offsets and flips are three draws on the CPU
(`Order`); the pixels are moved for many steps at a time with one gather, on whatever device holds the
images, still as uint8. Standardisation follows in the training dtype, so the black border is black
before it, as in a transform chain that crops first and standardises last.

Source: zero-pad 4 pixels a side, random crop, random horizontal flip (He et al. 2015, section 4.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.data.dataset import Dataset
from model.randomness import stream


@dataclass(frozen=True)
class Order:
    """An epoch of R replicas: int64 `index`, `down`, `right` and bool `mirror`, each [steps, B, R].

    `down` and `right` in 0 to 2·pad: where the crop starts in the padded image; pad means unmoved.
    """

    index: Tensor
    down: Tensor
    right: Tensor
    mirror: Tensor

    def part(self, start: int, stop: int) -> "Order":
        return Order(*(t[start:stop] for t in (self.index, self.down, self.right, self.mirror)))


def draw(
    data: Dataset, seeds: Sequence[int], epoch: int, steps: int, batch_size: int, *, device: torch.device
) -> Order:
    """The order of epoch `epoch` (from 1). Each replica's column depends on its seed and epoch alone."""
    count = len(data.train_labels)
    used = steps * batch_size
    columns: list[list[Tensor]] = []
    for seed in seeds:
        augmentation = stream(seed, "augmentation", epoch)
        offsets = torch.randint(2 * data.pad + 1, (2, count), generator=augmentation)
        flips = torch.rand(count, generator=augmentation) < 0.5
        mirror = flips if data.flip else torch.zeros_like(flips)
        index = torch.randperm(count, generator=stream(seed, "order", epoch))
        columns.append([t[:used] for t in (index, offsets[0], offsets[1], mirror)])
    stacked = [
        torch.stack(parts, 1).view(steps, batch_size, len(seeds)) for parts in zip(*columns, strict=True)
    ]
    return Order(*(t.to(device, non_blocking=True) for t in stacked))


def batches(images: Tensor, order: Order, pad: int) -> Tensor:
    """Augmented images uint8 [steps, B, R·C, H, W], channels-last within a step, out of [n, C, H, W]."""
    steps, batch, replicas = order.index.shape
    _, channels, height, width = images.shape
    rows = images.permute(0, 2, 3, 1)[order.index.flatten()]
    if pad:
        padded = torch.nn.functional.pad(rows, (0, 0, pad, pad, pad, pad))
        windows = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
        every = torch.arange(len(rows), device=rows.device)
        rows = windows[every, order.down.flatten(), order.right.flatten()]
    rows = torch.where(order.mirror.view(-1, 1, 1, 1), rows.flip(2), rows)
    rows = rows.view(steps, batch, replicas, height, width, channels).permute(0, 1, 3, 4, 2, 5)
    return rows.reshape(steps, batch, height, width, replicas * channels).permute(0, 1, 4, 2, 3)


def standardise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """(pixel − mean) / std per channel, in the dtype of `mean`; channels are the third dimension from last.

    `mean` and `std` [C] are repeated over the replicas of images [..., R·C, H, W].
    """
    repeats = images.shape[-3] // len(mean)
    if repeats > 1:  # once more, even of one, is a kernel of each captured step
        mean, std = mean.repeat(repeats), std.repeat(repeats)
    return (images.to(mean.dtype) - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
