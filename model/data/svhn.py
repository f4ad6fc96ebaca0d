"""Street View House Numbers (Netzer et al. 2011), cropped digits, by way of torchvision.

Training and test part as published, without the extra images. A mirrored digit is another sign or none, so
images are not mirrored. The fingerprint is the beginning of the MD5 of each file, which torchvision verifies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.data.dataset import DataInfo
from model.data.fetched import Fetched

if TYPE_CHECKING:
    from pathlib import Path

    from model.data.dataset import Arrays

_MD5 = ("e26dedcc434d2e4c54c9b2d4a06d8373", "eb5a983be6a315427106f1b164d9cef3")

INFO = DataInfo(
    name="svhn",
    train_size=73_257,
    test_size=26_032,
    channels=3,
    height=32,
    width=32,
    classes=tuple("0123456789"),
    fingerprint="".join(md5[:16] for md5 in _MD5),
    flip=False,
)


def _read(root: Path) -> Arrays:
    """Images uint8 [n, 32, 32, 3], labels int64 [n], 0 for the digit 0."""
    import numpy as np
    import torchvision

    decoded: Arrays = {}
    for part in ("train", "test"):
        dataset = torchvision.datasets.SVHN(str(root), split=part, download=True)
        decoded[f"{part}_images"] = np.ascontiguousarray(dataset.data.transpose(0, 2, 3, 1))
        decoded[f"{part}_labels"] = dataset.labels
    return decoded


def _official() -> list[tuple[str, str]]:
    import torchvision

    kinds = torchvision.datasets.SVHN.split_list
    return [(kinds[part][0], kinds[part][2]) for part in ("train", "test")]


SOURCE = Fetched("svhn", f"svhn-{INFO.fingerprint[:12]}", _read, _official)
