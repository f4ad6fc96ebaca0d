"""What a data set is: the facts known without decoding it, and the tensors that training sees.

Images are uint8 tensors of the whole set, decoded once per machine (see `model.data.cache`), augmented
and standardised later on the training device (see `model.data.augment`). `model.data.registry` knows the
sets there are.

Where a hold-out is taken from the training images (`model.data.selection`), the test set is not even part of
the loaded object: what is not there cannot be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    #: uint8 images and int64 labels by name
    Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class DataInfo:
    """Facts known without decoding images. Sizes are before anything is selected.

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

    `train_labels` are those that are learnt, some wrong where a trial asks for label noise; `eval_*` is the
    test set, or the hold-out where there is one: `which` says. `mean` and `std` are
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


def padding(height: int) -> int:
    """Pixels of border for images so high: 4 for 32, as He et al. 2015, section 4.2."""
    return height // 8
