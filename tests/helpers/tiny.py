"""A data set and trials so small that a sweep of them takes a second."""

from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.grid.trial import Trial


def make_images(
    folder: Path, train: int = 10, test: int = 4, classes: int = 2, size: int = 8, suffix: str = "png"
) -> Path:
    """An image folder of `classes` classes that differ in brightness, with `train` and `test` images each."""
    generator = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for label in range(classes):
            target = folder / split / f"class{label}"
            target.mkdir(parents=True)
            for index in range(count):
                pixels = generator.integers(0, 128, (size, size, 3)) + 100 * label
                Image.fromarray(pixels.astype(np.uint8)).save(target / f"{index}.{suffix}")
    return folder


def trial(**changes: object) -> Trial:
    """A tiny trial on the image folder."""
    fields = {"dataset": "imagefolder", "norm": "bn", "batch_size": 4, "epochs": 3, "seed": 1}
    return Trial(**{**fields, **changes})  # type: ignore[arg-type]


#: Two packs of three, of four epochs: a sweep to be disturbed.
TWO_PACKS = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: 4, epochs: 4, seeds: 3}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: 4, epochs: 4, seeds: 3}
"""

#: Four cells of two seeds, of two epochs.
GRID = """\
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: [8, 2], epochs: 2, seeds: 2}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: [8, 2], epochs: 2, seeds: 2}
"""
