"""The data sets there are, by name.

Planning a sweep needs sizes, classes and a fingerprint, in milliseconds and without torch: `describe`.
Training needs the images: `load`. A new data set is a file beside this one and a line in each of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.data import cifar, digits, fashionmnist, imagefolder, npz, own, svhn
from model.data.assemble import assemble
from model.data.dataset import DataInfo, Dataset
from model.data.fetched import Bring, from_nowhere
from model.data.selection import WHOLE, Selection
from model.errors import InputError
from model.own import is_own

if TYPE_CHECKING:
    from pathlib import Path

_INFOS = {info.name: info for info in (digits.INFO, *cifar.INFO.values(), svhn.INFO, fashionmnist.INFO)}
_FETCHED = {source.name: source for source in (*cifar.SOURCES.values(), svhn.SOURCE, fashionmnist.SOURCE)}


def describe(name: str, data_dir: str | None = None) -> DataInfo:
    """The facts of a data set. Raises InputError where there is no such data set, folder or file."""
    if name in _INFOS:
        return _INFOS[name]
    if name == "imagefolder":
        return imagefolder.scan(data_dir).info
    if name == "npz":
        return npz.read(data_dir).info
    if is_own(name):
        return own.reread(name).info
    raise InputError(
        f"no data set is called {name!r}; there are {', '.join(_INFOS)}, imagefolder, npz, and functions of "
        "one's own, as mylab.data:load"
    )


def is_fetched(name: str) -> bool:
    """Whether a data set comes from the internet where it is not here yet."""
    return name in _FETCHED


def flips(name: str) -> bool:
    """Whether training mirrors images, as far as a data set's name tells: for results that do not say."""
    return _INFOS[name].flip if name in _INFOS else DataInfo.flip


def load(
    name: str, data_dir: str | None = None, selection: Selection = WHOLE, bring: Bring = from_nowhere
) -> Dataset:
    """The images, and those of them that a trial uses. `bring`: has archives nearer than the network.

    Raises InputError: unknown or missing data, no network to fetch it, more selected than there is.
    """
    if name == "imagefolder":
        scanned = imagefolder.scan(data_dir)  # once: it asks the file system about every image
        selection.check(scanned.info)  # before any image is decoded
        return assemble(scanned.info, imagefolder.arrays(scanned), selection)
    if name == "npz" or is_own(name):
        found = npz.read(data_dir) if name == "npz" else own.read(name)
        return assemble(found.info, found.arrays, selection)
    info = describe(name)
    selection.check(info)
    arrays = _FETCHED[name].arrays(data_dir, bring) if name in _FETCHED else digits.arrays()
    return assemble(info, arrays, selection)


def archives(
    name: str, data_dir: str | None = None, bring: Bring = from_nowhere
) -> dict[tuple[str, str], Path]:
    """The official archives of a data set, by name and MD5, as they lie on this machine, which fetches and
    decodes it where it has not yet; none of what nobody has to fetch. Raises InputError."""
    return _FETCHED[name].archives(data_dir, bring) if name in _FETCHED else {}
