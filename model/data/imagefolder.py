"""Anybody's images, in torchvision's ImageFolder layout, checked before training starts.

    data_dir/train/<class>/…/<image>      data_dir/test/<class>/…/<image>

Both halves must have the same classes, or errors would be counted over other questions than were
trained. `scan` finds that out from names; `arrays` decodes, once per machine. All images are made RGB
and have one size, the first training image's.

The fingerprint covers class names, relative file names and the files' contents, so it is the same on
every machine and another where a pixel is. It names the decoded images too.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from model.data.cache import cached
from model.data.content import digest, digests
from model.data.dataset import DataInfo
from model.data.image import FRAMES, RESIZED, decode, image_size, unreadable
from model.errors import InputError

if TYPE_CHECKING:
    from model.data.dataset import Arrays

#: What torchvision's ImageFolder takes for an image.
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
LAYOUT = "expected train/<class>/<image> and test/<class>/<image> in it"


class ImageFile(NamedTuple):
    """`label`: index of its class; `sha256`: of its content, in hexadecimal."""

    path: str
    label: int
    sha256: str


@dataclass(frozen=True)
class Scan:
    """The files of a folder, by part, sorted."""

    info: DataInfo
    files: dict[str, list[ImageFile]]


def scan(data_dir: str | None) -> Scan:
    """Find the images, and read those whose content is not known yet. Raises InputError."""
    root = _root(data_dir)
    classes = _classes(root / "train")
    missing = sorted(set(classes) ^ set(_classes(root / "test")))
    if missing:
        part = "test" if missing[0] in classes else "train"
        raise InputError(
            f"{root}: class {missing[0]} is missing in {part}/; train/ and test/ must have the same classes"
        )
    entries = [*_entries(root, "train", classes), *_entries(root, "test", classes)]
    known = digests(root, [entry.name for entry in entries])
    files: dict[str, list[ImageFile]] = {"train": [], "test": []}
    for entry, sha256 in zip(entries, known, strict=True):
        files[entry.part].append(ImageFile(f"{root}/{entry.name}", entry.label, sha256))
    width, height = image_size(files["train"][0].path)
    info = DataInfo(
        "imagefolder",
        len(files["train"]),
        len(files["test"]),
        3,
        height,
        width,
        tuple(classes),
        _hash((entry.name, sha256) for entry, sha256 in zip(entries, known, strict=True)),
        listing=_hash((entry.name, entry.size) for entry in entries),
    )
    return Scan(info, files)


class _Entry(NamedTuple):
    """`name`: relative to the data set's folder. `label`: index of its class. `size`: in bytes."""

    part: str
    name: str
    label: int
    size: int


def _entries(root: Path, part: str, classes: Sequence[str]) -> Iterator[_Entry]:
    for label, name in enumerate(classes):
        images = images_in(root / part / name)
        if not images:
            raise InputError(
                f"{root}: class {name} has no image in {part}/{name}/; add images, or remove the class"
            )
        for relative, size in images:
            yield _Entry(part, f"{part}/{name}/{relative}", label, size)


def _hash(facts: Iterable[tuple[str, str | int]]) -> str:
    digest = hashlib.sha256()
    for name, fact in facts:
        digest.update(f"{name}\0{fact}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _root(data_dir: str | None) -> Path:
    if not data_dir:
        raise InputError(f"data set imagefolder needs --data-dir, a folder; {LAYOUT}")
    root = Path(os.path.expanduser(data_dir))
    try:
        os.scandir(root).close()
    except (FileNotFoundError, NotADirectoryError):
        pass  # told below
    except OSError as error:
        raise InputError(f"--data-dir {data_dir[:200]} cannot be read: {error.strerror}") from None
    if not root.is_dir():
        raise InputError(f"--data-dir {data_dir}: there is no such folder; {LAYOUT}")
    for part in ("train", "test"):
        if not (root / part).is_dir():
            raise InputError(f"--data-dir {data_dir}: {part}/ is missing; {LAYOUT}")
    return root


def _classes(folder: Path) -> list[str]:
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    if not names:
        raise InputError(f"{folder} is empty; {LAYOUT}, one folder for each class")
    return names


def images_in(folder: Path) -> list[tuple[str, int]]:
    """(relative name with /, size in bytes) of each image, sorted by name."""
    images = []
    seen: set[tuple[int, int]] = set()
    for base, below, _ in os.walk(folder, followlinks=True):
        place = os.stat(base)
        if (place.st_dev, place.st_ino) in seen:  # a link back up, which would count its images again
            below.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        inside = "" if base == str(folder) else f"{Path(base).relative_to(folder).as_posix()}/"
        for entry in os.scandir(base):
            if os.path.splitext(entry.name)[1].lower() in EXTENSIONS and entry.is_file():
                images.append((inside + entry.name, entry.stat().st_size))
    return sorted(images)


def arrays(scanned: Scan) -> Arrays:
    """Images uint8 [n, H, W, 3], labels int64 [n]. Warns where images were resized or hold more than one.

    Raises InputError that names an image that cannot be read, or that changed after the scan.
    """
    loaded = cached(f"imagefolder-{scanned.info.fingerprint}", lambda: _decode(scanned))
    remarks = {part: loaded.pop(f"{part}_remarks") for part in scanned.files}
    size = f"{scanned.info.width}×{scanned.info.height}"
    _warn(scanned, remarks, RESIZED, f"resized to {size} pixels, the size of the first training image")
    _warn(scanned, remarks, FRAMES, "several pages or frames in one file, of which the first is used")
    return loaded


def _warn(scanned: Scan, remarks: Arrays, flag: int, what: str) -> None:
    concerned = [
        image.path
        for part, files in scanned.files.items()
        for image, remark in zip(files, remarks[part].tolist(), strict=True)
        if remark & flag
    ]
    if concerned:
        images = "image: %s" if len(concerned) == 1 else "images, the first of them %s"
        warnings.warn(f"{what}: {len(concerned)} {images % concerned[0]}", stacklevel=3)


def _decode(scanned: Scan) -> Arrays:
    import numpy as np

    decoded: Arrays = {}
    size = (scanned.info.width, scanned.info.height)
    for part, files in scanned.files.items():
        images = np.empty((len(files), scanned.info.height, scanned.info.width, 3), dtype=np.uint8)
        remarks = np.zeros(len(files), dtype=np.uint8)
        for index, image in enumerate(files):
            images[index], remarks[index] = decode(_content(image), image.path, size)
        decoded[f"{part}_images"], decoded[f"{part}_remarks"] = images, remarks
        decoded[f"{part}_labels"] = np.array([image.label for image in files], dtype=np.int64)
    return decoded


def _content(image: ImageFile) -> bytes:
    """What the file holds, which is what was scanned, or InputError."""
    try:
        content = Path(image.path).read_bytes()
    except OSError as error:
        raise unreadable(image.path, error) from None
    if digest(content) != image.sha256:
        raise InputError(f"the image {image.path} changed while the data were read; run again")
    return content
