"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) by way of torchvision, which knows address and checksums.

Their facts are constants, so a plan needs neither the files nor a network. The fingerprint is the MD5
of the official archive, which torchvision verifies: another CIFAR-10 does not get through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.data.cache import cached
from model.data.dataset import DataInfo
from model.data.fetched import fetched

if TYPE_CHECKING:
    from pathlib import Path

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
_URLS = {
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "cifar100": "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
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

    def read(root: Path) -> Arrays:
        return _read(name, root)

    key = f"{name}-{INFO[name].fingerprint[:12]}"
    return cached(key, lambda: fetched(name, data_dir, read, [_URLS[name]]))


def _read(name: str, root: Path) -> Arrays:
    import numpy as np
    import torchvision

    kind: Any = {"cifar10": torchvision.datasets.CIFAR10, "cifar100": torchvision.datasets.CIFAR100}[name]
    decoded: Arrays = {}
    for part in ("train", "test"):
        dataset = kind(str(root), train=part == "train", download=True)
        decoded[f"{part}_images"] = dataset.data
        decoded[f"{part}_labels"] = np.array(dataset.targets, dtype=np.int64)
    return decoded
