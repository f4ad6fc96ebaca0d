"""What a data set is: the facts known without decoding it, and the tensors that training sees.

Images are uint8 tensors of the whole set, decoded once per machine (see `model.data.cache`), augmented
and standardised later on the training device (see `model.data.augment`). `model.data.registry` knows the
sets there are.

A hold-out is taken from the training images, the same ones whatever the seed of a trial, so that all
trials of a search are judged on one validation set. The test set is then not even part of the loaded
object: what is not there cannot be looked at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    #: uint8 images and int64 labels by name
    Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class DataInfo:
    """Facts known without decoding images. Sizes are before any hold-out.

    `fingerprint`: hexadecimal; the same for the same data on every machine and in every folder. `flip`:
    whether mirror images are the same class. `pad`: pixels of black border before the random crop, None for
    an eighth of the height. `listing`: of an imagefolder, the fingerprint of names and sizes
    by which results of earlier versions know it.
    """

    name: str
    train_size: int
    test_size: int
    channels: int
    height: int
    width: int
    classes: tuple[str, ...]
    fingerprint: str
    flip: bool = True
    listing: str | None = None
    pad: int | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """All by which results may know it, this version's first."""
        return (self.fingerprint,) if self.listing is None else (self.fingerprint, self.listing)

    @property
    def border(self) -> int:
        """Pixels of black border before the random crop."""
        return padding(self.height) if self.pad is None else self.pad


@dataclass(frozen=True)
class Dataset:
    """A data set in use. Images uint8 [n, C, H, W] in channels-last memory, labels int64 [n].

    `eval_*` is the test set, or the hold-out where there is one: `which` says. `mean` and `std` are
    per channel, float32 [C], in pixel values 0–255, over the training images in use. `pad`: pixels of
    black border before the random crop.
    """

    info: DataInfo
    which: Literal["test", "validation"]
    train_images: torch.Tensor
    train_labels: torch.Tensor
    eval_images: torch.Tensor
    eval_labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    pad: int

    @property
    def classes(self) -> tuple[str, ...]:
        return self.info.classes

    @property
    def flip(self) -> bool:
        return self.info.flip


def assemble(info: DataInfo, arrays: Arrays, holdout: int) -> Dataset:
    """A Dataset from arrays `{train,test}_images` uint8 [n, H, W, C] and `{train,test}_labels` int64 [n]."""
    import numpy as np
    import torch

    images, labels = arrays["train_images"], np.asarray(arrays["train_labels"], dtype=np.int64)
    if holdout:
        held = held_out(labels, holdout)
        kept = np.setdiff1d(np.arange(len(labels)), held)
        eval_images, eval_labels = images[held], labels[held]
        images, labels = images[kept], labels[kept]
    else:
        eval_images, eval_labels = arrays["test_images"], np.asarray(arrays["test_labels"], dtype=np.int64)
    mean, std = _statistics(images)
    return Dataset(
        info=info,
        which="validation" if holdout else "test",
        train_images=torch.from_numpy(images).permute(0, 3, 1, 2),
        train_labels=torch.from_numpy(labels),
        eval_images=torch.from_numpy(eval_images).permute(0, 3, 1, 2),
        eval_labels=torch.from_numpy(eval_labels),
        mean=torch.from_numpy(mean),
        std=torch.from_numpy(std),
        pad=info.border,
    )


def padding(height: int) -> int:
    """Pixels of border for images so high: 4 for 32, as He et al. 2015, section 4.2."""
    return height // 8


def held_out(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Indices of `count` images, ascending: a fixed pseudo-random choice with every class's share.

    Shares are proportional to the classes' sizes, so equal for equal classes; what does not divide goes
    to the largest remainders. Ranking by SHA-256 of the index keeps the choice fixed on any version of
    any library.
    """
    import numpy as np

    sizes = np.bincount(labels)
    quota = sizes * count // len(labels)
    remainder = sizes * count % len(labels)
    for label in np.argsort(-remainder, kind="stable")[: count - int(quota.sum())]:
        quota[label] += 1
    chosen: list[int] = []
    for label, share in enumerate(quota):
        members = np.flatnonzero(labels == label).tolist()
        chosen += sorted(members, key=_rank)[:share]
    return np.array(sorted(chosen), dtype=np.int64)


def _rank(index: int) -> bytes:
    return hashlib.sha256(f"hold-out/{index}".encode()).digest()


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
