"""How fast does a pack train here? A few steps on random images, for a plan's estimate.

Whole epochs of the real training code over a set so small that one lasts a moment: whatever speeds
training up or slows it down is in the figure.
"""

import time
from dataclasses import replace

import numpy as np

from model.data import DataInfo, Dataset, assemble
from model.spec import Spec
from model.train import Training

_STEPS = 4  # of the small epochs; evaluation is of one image


def calibrate(spec: Spec, replicas: int, info: DataInfo, device: str, *, seconds: float = 0.3) -> float:
    """Training images per second of a pack of `replicas`, all of them together.

    Runs for about `seconds`, at least one epoch of four steps after a warm-up, on torch's threads.
    """
    spec = replace(spec, epochs=10**6, iterations=None, holdout=0)
    training = Training(spec, range(1, replicas + 1), _noise(info, _STEPS * spec.batch_size), device)
    training.run_epoch()
    epochs, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds or not epochs:
        training.run_epoch()
        epochs += 1
    return epochs * _STEPS * spec.batch_size * replicas / spent


def _noise(info: DataInfo, images: int) -> Dataset:
    """Random images in the shape of a data set, one of them to evaluate."""
    generator = np.random.default_rng(0)
    shape = (info.height, info.width, info.channels)
    arrays = {
        f"{split}_{what}": generator.integers(0, high, (count, *rest), dtype=kind)
        for split, count in (("train", images), ("test", 1))
        for what, high, rest, kind in (
            ("images", 256, shape, np.uint8),
            ("labels", len(info.classes), (), np.int64),
        )
    }
    small = replace(info, name="noise", train_size=images, test_size=1)
    return assemble(small, arrays, 0)
