"""Anybody's images, in torchvision's ImageFolder layout, checked before training starts.

    data_dir/train/<class>/…/<image>      data_dir/test/<class>/…/<image>

Both halves must have the same classes, or errors would be counted over other questions than were
trained. `scan` finds that out from names and sizes alone; `arrays` decodes, once per machine. All
images are made RGB and have one size, the first training image's.

The fingerprint covers class names, relative file names and file sizes, so it is the same on every
machine and needs no image read. The decoded cache is keyed by modification times and the place too:
an image replaced by another of the same size is decoded again.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.data.cache import cached
from model.data.dataset import DataInfo
from model.errors import InputError, first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model.data.dataset import Arrays

#: What torchvision's ImageFolder takes for an image.
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
LAYOUT = "expected train/<class>/<image> and test/<class>/<image> in it"


@dataclass(frozen=True)
class Scan:
    """The files of a folder, by part, sorted, each with its class's index; `key` is the cache's."""

    info: DataInfo
    files: dict[str, list[tuple[Path, int]]]
    key: str


def scan(data_dir: str | None) -> Scan:
    """Find the images without reading them, but for the size of the first. Raises InputError."""
    root = _root(data_dir)
    classes = _classes(root / "train")
    missing = sorted(set(classes) ^ set(_classes(root / "test")))
    if missing:
        part = "test" if missing[0] in classes else "train"
        raise InputError(
            f"{root}: class {missing[0]} is missing in {part}/; train/ and test/ must have the same classes"
        )
    content, place = hashlib.sha256(), hashlib.sha256(str(root.resolve()).encode())
    files: dict[str, list[tuple[Path, int]]] = {}
    for part in ("train", "test"):
        files[part] = []
        for label, name in enumerate(classes):
            images = _images(root / part / name)
            if not images:
                raise InputError(
                    f"{root}: class {name} has no image in {part}/{name}/; add images, or remove the class"
                )
            for relative, size, changed in images:
                content.update(f"{part}/{name}/{relative}\0{size}\n".encode(errors="surrogateescape"))
                place.update(f"{changed}\n".encode())
                files[part].append((root / part / name / relative, label))
    width, height = _size(files["train"][0][0])
    fingerprint = content.hexdigest()[:16]
    info = DataInfo(
        "imagefolder", len(files["train"]), len(files["test"]), 3, height, width, tuple(classes), fingerprint
    )
    return Scan(info, files, f"imagefolder-{fingerprint}-{place.hexdigest()[:8]}")


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


def _images(folder: Path) -> list[tuple[str, int, int]]:
    """(relative name with /, size in bytes, modification time in ns) of each image, sorted by name."""
    images = []
    seen: set[tuple[int, int]] = set()
    for base, below, _ in os.walk(folder, followlinks=True):
        place = os.stat(base)
        if (place.st_dev, place.st_ino) in seen:  # a link back up, which would count its images again
            below.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        for entry in os.scandir(base):
            if os.path.splitext(entry.name)[1].lower() in EXTENSIONS and entry.is_file():
                facts = entry.stat()
                images.append(
                    (Path(entry.path).relative_to(folder).as_posix(), facts.st_size, facts.st_mtime_ns)
                )
    return sorted(images)


def _size(path: Path) -> tuple[int, int]:
    """Width and height from the file's header."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except Exception as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = first_line(error)
    if "cannot identify image file" in reason:
        reason = "not an image, or damaged"
    return InputError(f"cannot read the image {path}: {reason}. Repair or remove it.")


def arrays(scanned: Scan) -> Arrays:
    """Images uint8 [n, H, W, 3], labels int64 [n]. Warns where images were resized.

    Raises InputError that names an unreadable image.
    """
    import numpy as np

    loaded = cached(scanned.key, lambda: _decode(scanned))
    size = (scanned.info.width, scanned.info.height)
    resized = [
        scanned.files[part][index][0]
        for part in ("train", "test")
        for index in np.flatnonzero(loaded.pop(f"{part}_resized"))
    ]
    if resized:
        warnings.warn(
            f"{len(resized)} images (the first: {resized[0]}) are not {size[0]}×{size[1]} pixels as the "
            "first training image is; they were resized",
            stacklevel=2,
        )
    return loaded


def _decode(scanned: Scan) -> Arrays:
    import numpy as np

    decoded: Arrays = {}
    size = (scanned.info.width, scanned.info.height)
    for part, files in scanned.files.items():
        images = np.empty((len(files), scanned.info.height, scanned.info.width, 3), dtype=np.uint8)
        resized = np.zeros(len(files), dtype=np.uint8)
        for index, (path, _) in enumerate(files):
            images[index], resized[index] = _pixels(path, size)
        decoded[f"{part}_images"], decoded[f"{part}_resized"] = images, resized
        decoded[f"{part}_labels"] = np.array([label for _, label in files], dtype=np.int64)
    return decoded


def _pixels(path: Path, size: tuple[int, int]) -> tuple[NDArray[np.uint8], bool]:
    """One image as uint8 [H, W, 3], and whether it had to be resized."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as image:
            rgb = image.convert("RGB")
    except Exception as error:  # PIL raises whatever a damaged file makes it stumble over
        raise _unreadable(path, error) from None
    if rgb.size == size:
        return np.asarray(rgb), False
    return np.asarray(rgb.resize(size, Image.Resampling.BILINEAR)), True
