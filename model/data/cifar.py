"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) by way of torchvision, which knows address and checksums.

Their facts are constants, so a plan needs neither the files nor a network. The fingerprint is the MD5
of the official archive, which torchvision verifies: another CIFAR-10 does not get through.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.data.cache import cached, folder
from model.data.dataset import DataInfo
from model.errors import InputError, first_line

if TYPE_CHECKING:
    from model.data.dataset import Arrays

_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR100 = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel "
    "can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur "
    "dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion "
    "lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree "
    "pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea "
    "seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table "
    "tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman "
    "worm"
)
_ARCHIVES = {
    "cifar10": ("cifar-10-python.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"),
    "cifar100": ("cifar-100-python.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"),
}

INFO = {
    name: DataInfo(name, 50_000, 10_000, 3, 32, 32, tuple(classes.split()), md5)
    for name, classes, md5 in (
        ("cifar10", _CIFAR10, "c58f30108f718f92721af3b95e74349a"),
        ("cifar100", _CIFAR100, "eb9058c3a382ffc7106e4002c42a8d85"),
    )
}


def arrays(name: str, data_dir: str | None = None) -> Arrays:
    """Images uint8 [n, 32, 32, 3], labels int64 [n]; fetched on first use. Raises InputError."""
    return cached(f"{name}-{INFO[name].fingerprint[:12]}", lambda: _decode(name, data_dir))


def _decode(name: str, data_dir: str | None) -> Arrays:
    """Runs under the cache's lock, so one worker alone downloads."""
    import numpy as np
    import torchvision

    root = Path(os.path.expanduser(data_dir)) if data_dir else folder()
    kind: Any = {"cifar10": torchvision.datasets.CIFAR10, "cifar100": torchvision.datasets.CIFAR100}[name]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            parts = {
                part: kind(str(root), train=part == "train", download=True) for part in ("train", "test")
            }
    except (OSError, RuntimeError) as error:  # URLError is an OSError, a wrong checksum a RuntimeError
        archive, url = _ARCHIVES[name]
        raise InputError(
            f"cannot fetch {name}: {first_line(error)}\n"
            f"Download {url} elsewhere and put {archive} into {root}, or use --dataset digits."
        ) from None
    decoded: Arrays = {}
    for part, dataset in parts.items():
        decoded[f"{part}_images"] = dataset.data
        decoded[f"{part}_labels"] = np.array(dataset.targets, dtype=np.int64)
    return decoded
