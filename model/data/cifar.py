"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) by way of torchvision, which knows address and checksums.

Their facts are constants, so a plan needs neither the files nor a network. The fingerprint is the MD5
of the official archive, which torchvision verifies: another CIFAR-10 does not get through.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from model.data.dataset import DataInfo
from model.data.fetched import Fetched

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

INFO = {
    name: DataInfo(name, 50_000, 10_000, 3, 32, 32, tuple(classes.split()), md5)
    for name, classes, md5 in (
        ("cifar10", _CIFAR10, "c58f30108f718f92721af3b95e74349a"),
        ("cifar100", _CIFAR100, "eb9058c3a382ffc7106e4002c42a8d85"),
    )
}


def _kind(name: str) -> Any:
    import torchvision

    return {"cifar10": torchvision.datasets.CIFAR10, "cifar100": torchvision.datasets.CIFAR100}[name]


def _read(name: str, root: Path) -> Arrays:
    """Images uint8 [n, 32, 32, 3], labels int64 [n]."""
    import numpy as np

    decoded: Arrays = {}
    for part in ("train", "test"):
        dataset = _kind(name)(str(root), train=part == "train", download=True)
        decoded[f"{part}_images"] = dataset.data
        decoded[f"{part}_labels"] = np.array(dataset.targets, dtype=np.int64)
    return decoded


def _official(name: str) -> list[tuple[str, str]]:
    return [(_kind(name).url, _kind(name).tgz_md5)]


SOURCES = {
    name: Fetched(name, f"{name}-{info.fingerprint[:12]}", partial(_read, name), partial(_official, name))
    for name, info in INFO.items()
}
