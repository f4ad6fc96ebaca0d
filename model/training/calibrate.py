"""How fast a pack trains here: a few steps on random images, for estimates and for how many share a GPU."""

import time
from dataclasses import replace

import numpy as np
import torch

from model.data.assemble import assemble
from model.data.dataset import DataInfo, Dataset
from model.spec import Spec
from model.streams import free_memory
from model.training.training import EVAL_IMAGES, Training

#: Steps of a block: enough on a GPU that preparing them does not hide what replaying them takes.
_STEPS = {"cpu": 4, "cuda": 200}


class Paced:
    """A pack of `replicas` that trains on random images in the shape of its data set, warmed up.

    `memory`: bytes of the GPU that it takes, with the data set that a sweep would lay beside it.
    """

    def __init__(
        self, spec: Spec, replicas: int, info: DataInfo, device: str, *, test: int = EVAL_IMAGES
    ) -> None:
        self._steps = _STEPS["cuda" if device.startswith("cuda") else "cpu"]
        spec = spec.as_tried
        self._images = self._steps * spec.batch_size * replicas
        before = _reserved(device)
        data = noise(self._steps * spec.batch_size, min(test, info.test_size), info)
        self._training = Training(spec, range(1, replicas + 1), data, device)
        self._training.train_steps(self._steps)
        whole = (info.train_size + info.test_size) * info.channels * info.height * info.width
        self.memory = _reserved(device) - before + whole

    def block(self) -> int:
        """Train a while; gives how many images that were, of all replicas together."""
        self._training.train_steps(self._steps)
        return self._images


def calibrate(spec: Spec, replicas: int, info: DataInfo, device: str, *, seconds: float = 0.3) -> float:
    """Training images per second of a pack of `replicas`, all of them together, evaluation not counted.

    Runs for about `seconds`, at least one block after a warm-up, on torch's present number of threads.
    """
    paced = Paced(spec, replicas, info, device, test=1)
    images, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds or not images:
        images += paced.block()
    return images / spent


def free_bytes(device: str) -> int:
    """Of a GPU's memory what nobody has."""
    return int(torch.cuda.mem_get_info(torch.device(device))[0])


def _reserved(device: str) -> int:
    if not device.startswith("cuda"):
        return 0
    free_memory()
    return torch.cuda.memory_reserved(torch.device(device))


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
