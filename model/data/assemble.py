"""A data set as a trial uses it, made of the arrays of all its images and what is selected of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.data.dataset import DataInfo, Dataset
from model.data.selection import WHOLE, Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model.data.dataset import Arrays


def assemble(info: DataInfo, arrays: Arrays, selection: Selection = WHOLE) -> Dataset:
    """A Dataset from arrays `{train,test}_images` uint8 [n, H, W, C] and `{train,test}_labels` int64 [n].

    Raises InputError where `selection` asks for more images than there are.
    """
    import numpy as np
    import torch

    selection.check(info)
    images, labels = arrays["train_images"], np.asarray(arrays["train_labels"], dtype=np.int64)
    kept, held = selection.split(labels)
    if held is None:
        eval_images, eval_labels = arrays["test_images"], np.asarray(arrays["test_labels"], dtype=np.int64)
    else:
        eval_images, eval_labels = images[held], labels[held]
    labels = selection.learnt(labels, kept, len(info.classes))
    images = images if kept is None else images[kept]
    mean, std = _statistics(images)
    return Dataset(
        info=info,
        which="test" if held is None else "validation",
        train_images=torch.from_numpy(images).permute(0, 3, 1, 2),
        train_labels=torch.from_numpy(labels),
        eval_images=torch.from_numpy(eval_images).permute(0, 3, 1, 2),
        eval_labels=torch.from_numpy(eval_labels),
        mean=torch.from_numpy(mean),
        std=torch.from_numpy(std),
        pad=info.border,
    )


def _statistics(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per-channel mean and standard deviation of uint8 images [n, H, W, C], from exact integer sums."""
    import numpy as np

    channels = images.shape[3]
    total, squares = np.zeros(channels), np.zeros(channels)
    for start in range(0, len(images), 1024):
        chunk = images[start : start + 1024].astype(np.float64).reshape(-1, channels)
        total += chunk.sum(axis=0)
        squares += np.einsum("pc,pc->c", chunk, chunk)
    count = images.size // channels
    mean = total / count
    variance = squares / count - mean**2
    std = np.where(variance > 1e-9, np.sqrt(np.maximum(variance, 0)), 1.0)  # a constant channel stays 0
    return mean.astype(np.float32), std.astype(np.float32)
