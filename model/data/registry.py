"""The data sets there are, by name.

Planning a sweep needs sizes, classes and a fingerprint, in milliseconds and without torch: `describe`.
Training needs the images: `load`. A new data set is a file beside this one and a line in each of the two.
"""

from model.data import cifar, digits, imagefolder
from model.data.dataset import DataInfo, Dataset, assemble
from model.errors import InputError


def describe(name: str, data_dir: str | None = None) -> DataInfo:
    """The facts of a data set. Raises InputError where there is no such data set or folder."""
    if name == "digits":
        return digits.INFO
    if name in cifar.INFO:
        return cifar.INFO[name]
    if name == "imagefolder":
        return imagefolder.scan(data_dir).info
    raise InputError(f"no data set is called {name!r}; there are digits, cifar10, cifar100 and imagefolder")


def flips(name: str) -> bool:
    """Whether training mirrors the images of a data set, known without them. Raises InputError."""
    return DataInfo.flip if name == "imagefolder" else describe(name).flip


def load(name: str, data_dir: str | None = None, holdout: int = 0) -> Dataset:
    """The images. `holdout` > 0 takes that many training images as the evaluation set.

    Raises InputError: unknown or missing data, no network to fetch it, a hold-out that leaves nothing.
    """
    if name == "imagefolder":
        scanned = imagefolder.scan(data_dir)  # once: it asks the file system about every image
        _check_holdout(scanned.info, holdout)
        return assemble(scanned.info, imagefolder.arrays(scanned), holdout)
    info = describe(name)
    _check_holdout(info, holdout)
    if name == "digits":
        return assemble(info, digits.arrays(), holdout)
    return assemble(info, cifar.arrays(name, data_dir), holdout)


def _check_holdout(info: DataInfo, holdout: int) -> None:
    if not 0 <= holdout < info.train_size:
        raise InputError(
            f"a hold-out of {holdout} images out of {info.train_size} of {info.name} leaves nothing to train "
            "on; choose a smaller one"
        )
