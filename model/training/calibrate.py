"""How fast a pack trains here: a few steps on random images, for a plan's estimate."""

import time
from dataclasses import replace

import numpy as np

from model.data.assemble import assemble
from model.data.dataset import DataInfo, Dataset
from model.spec import Spec
from model.training.training import Training

#: Steps of a block: enough on a GPU that preparing them does not hide what replaying them takes.
_STEPS = {"cpu": 4, "cuda": 200}


def calibrate(spec: Spec, replicas: int, info: DataInfo, device: str, *, seconds: float = 0.3) -> float:
    """Training images per second of a pack of `replicas`, all of them together, evaluation not counted.

    Runs for about `seconds`, at least one block after a warm-up, on torch's present number of threads.
    """
    steps = _STEPS["cuda" if device.startswith("cuda") else "cpu"]
    spec = spec.as_tried
    data = noise(steps * spec.batch_size, 1, info)
    training = Training(spec, range(1, replicas + 1), data, device)
    training.train_steps(steps)
    blocks, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds or not blocks:
        training.train_steps(steps)
        blocks += 1
    return blocks * steps * spec.batch_size * replicas / spent


def noise(train: int, test: int, info: DataInfo | None = None) -> Dataset:
    """Random images in the shape of a data set, by default CIFAR-10's; always the same ones."""
    generator = np.random.default_rng(0)
    info = info or DataInfo("noise", train, test, 3, 32, 32, tuple("0123456789"), "0" * 12)
    info = replace(info, train_size=train, test_size=test)
    shape, classes = (info.height, info.width, info.channels), len(info.classes)
    return assemble(
        info,
        {
            "train_images": generator.integers(0, 256, (train, *shape), dtype=np.uint8),
            "train_labels": generator.integers(0, classes, train, dtype=np.int64),
            "test_images": generator.integers(0, 256, (test, *shape), dtype=np.uint8),
            "test_labels": generator.integers(0, classes, test, dtype=np.int64),
        },
    )
