"""Fashion-MNIST (Xiao et al. 2017) by way of torchvision: 28×28 grey images of ten kinds of clothing.

The fingerprint is the beginning of the MD5 of each of the four archives. torchvision verifies an archive when
it fetches it and never looks at it again, so what it reads is held against the archives here.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from model.data.dataset import DataInfo
from model.data.fetched import Fetched

if TYPE_CHECKING:
    from pathlib import Path

    from model.data.dataset import Arrays

_CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat")
_MORE = ("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_ARCHIVES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_FOLDER = "FashionMNIST/raw"
#: Bytes before the pixels and before the labels of an IDX file.
_HEADERS = {"images": 16, "labels": 8}

INFO = DataInfo(
    name="fashionmnist",
    train_size=60_000,
    test_size=10_000,
    channels=1,
    height=28,
    width=28,
    classes=_CLASSES + _MORE,
    fingerprint="".join(md5[:8] for md5 in _ARCHIVES.values()),
)


def _read(root: Path) -> Arrays:
    """Images uint8 [n, 28, 28, 1], labels int64 [n]."""
    import torchvision

    kind: Any = torchvision.datasets.FashionMNIST
    decoded: Arrays = {}
    for part, official in (("train", "train"), ("test", "t10k")):
        dataset = kind(str(root), train=part == "train", download=True)
        read = {"images": dataset.data.numpy()[..., None], "labels": dataset.targets.numpy()}
        for archive, md5 in kind.resources:
            what = archive.split("-")[1]
            if archive.startswith(official):
                _verify(read[what], root / _FOLDER / archive, md5, _HEADERS[what])
        decoded |= {f"{part}_{what}": array for what, array in read.items()}
    return decoded


def _verify(read: Any, archive: Path, md5: str, header: int) -> None:
    """Raises RuntimeError where what torchvision read is not what the official archive holds."""
    from torchvision.datasets.utils import check_integrity

    if not check_integrity(str(archive), md5):
        raise RuntimeError(
            f"{archive.name} is missing or not the official one; what lies beside it is not used"
        )
    if gzip.decompress(archive.read_bytes())[header:] != read.astype("uint8").tobytes():
        raise RuntimeError(f"what lies beside {archive.name} is not what it holds; remove {archive.stem}")


def _official() -> list[tuple[str, str]]:
    import torchvision

    kind: Any = torchvision.datasets.FashionMNIST
    return [(f"{kind.mirrors[0]}{archive}", md5) for archive, md5 in kind.resources]


SOURCE = Fetched("fashionmnist", f"fashionmnist-{INFO.fingerprint[:12]}", _read, _official, _FOLDER)
