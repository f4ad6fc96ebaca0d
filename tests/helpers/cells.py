"""A small data set with something to learn, for tests that train."""

import numpy as np

from model.data.assemble import assemble
from model.data.dataset import DataInfo, Dataset
from model.data.selection import Selection
from model.spec import Spec


def spec(**changes: object) -> Spec:
    fields: dict[str, object] = {
        "dataset": "imagefolder",
        "model": "resnet20",
        "shortcut": "projection",
        "norm": "bn",
        "groups": None,
        "batch_size": 4,
        "recipe": "wu2018",
        "epochs": 3,
        "iterations": None,
        "holdout": 0,
    }
    return Spec(**(fields | changes))  # type: ignore[arg-type]


def toy_data(
    n: int = 22,
    size: int = 8,
    tests: int = 9,
    *,
    holdout: int = 0,
    train_size: int | None = None,
    classes: int = 3,
) -> Dataset:
    """Noise whose brightness depends on the class; `n` is chosen so that batches do not divide it."""
    rng = np.random.default_rng(5)
    labels, test_labels = rng.permutation(np.arange(n) % classes), np.arange(tests) % classes

    def images(of: np.ndarray) -> np.ndarray:
        noise = rng.integers(0, 120, (len(of), size, size, 3))
        return np.asarray(noise + 60 * of[:, None, None, None], dtype=np.uint8)

    arrays = {
        "train_images": images(labels),
        "train_labels": labels,
        "test_images": images(test_labels),
        "test_labels": test_labels,
    }
    info = DataInfo("toy", n, tests, 3, size, size, tuple(map(str, range(classes))), "0" * 12)
    return assemble(info, arrays, Selection(holdout, train_size))
