"""Discs, squares and crosses under noise: a data set of one's own in a function.

python -m orchestrator.run --grid own_data.yaml
"""

import numpy as np
from numpy.typing import NDArray

SIZE = 16
CLASSES = ("disc", "square", "cross")


def shapes() -> dict[str, object]:
    """Images uint8 [n, 16, 16], labels 0 to 2; always the same ones, for the seed of the noise is fixed."""
    rng = np.random.default_rng(1)
    train, train_labels = _images(600, rng)
    test, test_labels = _images(300, rng)
    return {
        "train_images": train,
        "train_labels": train_labels,
        "test_images": test,
        "test_labels": test_labels,
        "classes": CLASSES,  # the rest may be left out
        "flip": True,  # a mirrored disc is a disc
        "pad": 1,  # pixels of border before the random crop
    }


def _images(count: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = np.arange(count) % len(CLASSES)
    images = [_shape(int(label), rng) * 120 + rng.normal(60, 30, (SIZE, SIZE)) for label in labels]
    return np.clip(images, 0, 255).astype(np.uint8), labels


def _shape(label: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Where a shape of that class is, anywhere in the image."""
    radius = rng.integers(3, 6)
    down, right = rng.integers(radius, SIZE - radius, 2)
    y, x = np.abs(np.arange(SIZE) - down)[:, None], np.abs(np.arange(SIZE) - right)[None]
    inside: NDArray[np.bool_] = (x <= radius) & (y <= radius)
    if CLASSES[label] == "disc":
        inside &= x**2 + y**2 <= radius**2
    if CLASSES[label] == "cross":
        inside &= (x <= 1) | (y <= 1)
    return inside
