"""scikit-learn's handwritten digits: real images that need no network.

1,797 images of 8×8 pixels by 43 writers (Alpaydin & Kaynak 1998, the test part of the UCI "Optical
Recognition of Handwritten Digits"). They have no official split of their own, so one is fixed here:
within each class, in the file's order, every fourth image is a test image. Values 0–16 become 0–255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.data.dataset import DataInfo

if TYPE_CHECKING:
    from model.data.dataset import Arrays

INFO = DataInfo(
    name="digits",
    train_size=1352,
    test_size=445,
    channels=1,
    height=8,
    width=8,
    classes=tuple("0123456789"),
    fingerprint="d545cb890293277c",  # SHA-256 of the images' and labels' bytes; a test recomputes it
    flip=False,
)


def arrays() -> Arrays:
    """Train and test images uint8 [n, 8, 8, 1] and labels int64 [n]."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = digits.target.astype(np.int64)
    occurrence = np.zeros(len(labels), dtype=np.int64)
    for label in range(10):
        members = labels == label
        occurrence[members] = np.arange(int(members.sum()))
    test = occurrence % 4 == 3
    return {
        "train_images": images[~test],
        "train_labels": labels[~test],
        "test_images": images[test],
        "test_labels": labels[test],
    }
