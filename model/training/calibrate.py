"""How fast a pack trains here: a few steps on random images, for estimates and for how many share a GPU."""

import time
from dataclasses import replace
from statistics import median

import numpy as np
import torch

from model.data.assemble import assemble
from model.data.dataset import DataInfo, Dataset
from model.kernels import Kernels
from model.spec import Spec
from model.streams import free_memory
from model.training.training import EVAL_IMAGES, Training

#: Steps of a block: enough that preparing them does not hide what they take. Four of batch size 2 take a
#: fifth longer each.
_STEPS = {"cpu": 16, "cuda": 200}
#: Of the first, and of all where that takes longer than so many seconds on a CPU.
_FEW, _SLOW = 4, 0.2


class Paced:
    """A pack of `replicas` that trains on random images in the shape of its data set, warmed up.

    `kernels`: as for `Training`.
    `memory`: bytes of the GPU that it takes, with what a sweep would lay beside it: the data set, and an
    epoch of augmented images of every replica.
    """

    def __init__(
        self,
        spec: Spec,
        replicas: int,
        info: DataInfo,
        device: str,
        *,
        kernels: Kernels | None = None,
        test: int = EVAL_IMAGES,
    ) -> None:
        kind = "cuda" if device.startswith("cuda") else "cpu"
        steps = _STEPS[kind]
        spec = spec.as_tried
        before = _reserved(device)
        data = noise(steps * spec.batch_size, min(test, info.test_size), info)
        self._training = Training(spec, range(1, replicas + 1), data, device, kernels=kernels)
        begun = time.perf_counter()
        self._training.train_steps(_FEW if kind == "cpu" else steps)
        slow = kind == "cpu" and time.perf_counter() - begun > _SLOW
        self._steps = _FEW if slow else steps
        self._images = self._steps * spec.batch_size * replicas
        whole = info.train_size + info.test_size + replicas * spec.images(info.train_size)
        self.memory = _reserved(device) - before + whole * info.channels * info.height * info.width

    def block(self) -> int:
        """Train a while; gives how many images that were, of all replicas together."""
        self._training.train_steps(self._steps)
        return self._images


def calibrate(
    spec: Spec,
    replicas: int,
    info: DataInfo,
    device: str,
    *,
    kernels: Kernels | None = None,
    seconds: float = 0.3,
) -> float:
    """Training images per second of a pack of `replicas`, all of them together, evaluation not counted.

    Runs for about `seconds`, at least one block after a warm-up, on torch's present number of threads. Of
    several blocks the median counts: another process that takes the core for a moment slows one of them.
    """
    paced = Paced(spec, replicas, info, device, kernels=kernels, test=1)
    rates, end = list[float](), time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end or not rates:
        images = paced.block()
        rates.append(images / (time.perf_counter() - begun))
    return median(rates)


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
