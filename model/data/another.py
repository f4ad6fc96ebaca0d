"""Another set of images to judge trained networks on: corrupted, shifted, collected anew.

A folder with a folder of images for each class, as the test/ of an imagefolder or with a test/ in it; or an
.npz file with `test_images` and `test_labels` in the form of `model.data.arrays`. The classes must be those
that the networks were trained on, and the images are made of their size; so that what changes is the images.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from model.data.arrays import check_form
from model.data.dataset import DataInfo
from model.data.image import RESIZED, cannot_read, decode
from model.data.imagefolder import images_in
from model.data.npz import members
from model.errors import InputError, reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FORMS = "expected a folder with a folder of images for each class, or an .npz of test_images and test_labels"
_IMAGES, _LABELS = "test_images", "test_labels"


class OtherImages(NamedTuple):
    """`images`: uint8 [n, H, W, C]; `labels`: int64 [n]; `fingerprint`: of both, hexadecimal."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    fingerprint: str


def other_images(path: str, info: DataInfo) -> OtherImages:
    """The images at `path`, for networks that were trained on `info`. Raises InputError."""
    import numpy as np

    place = Path(os.path.expanduser(path))
    if place.is_dir():
        images, labels = _of_folder(place, info)
    elif place.is_file():
        images, labels = _of_file(place, info)
    else:
        raise InputError(f"--images {path[:200]}: there is no such folder or file; {_FORMS}")
    digest = hashlib.sha256(f"{images.shape} {len(info.classes)}\n".encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(labels.astype("<i8").data)
    return OtherImages(images, labels, digest.hexdigest()[:16])


def _of_folder(place: Path, info: DataInfo) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    root = place / "test" if (place / "test").is_dir() else place
    if info.channels != 3:
        raise InputError(
            f"--images {place}: images of a folder have 3 channels and those of {info.name} have "
            f"{info.channels}; give an .npz file with {_IMAGES} of {info.height} × {info.width}"
        )
    there = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    if not there:
        raise InputError(f"--images {root} is empty; {_FORMS}")
    if different := sorted({*there} ^ {*info.classes}):
        missing = different[0] in info.classes
        raise InputError(
            f"--images {root}: class {different[0]} {'is missing' if missing else 'is none'} of the "
            f"{len(info.classes)} that the networks were trained on; give a folder for each of them"
        )
    found = [
        (f"{root}/{name}/{image}", label)
        for label, name in enumerate(info.classes)
        for image, _ in images_in(root / name)
    ]
    if not found:
        raise InputError(f"--images {root} has no image in any of its folders; {_FORMS}")
    images = np.empty((len(found), info.height, info.width, 3), dtype=np.uint8)
    resized = 0
    for index, (path, _) in enumerate(found):
        images[index], remarks = decode(_content(path), path, (info.width, info.height))
        resized += bool(remarks & RESIZED)
    if resized:
        warnings.warn(
            f"{root}: {resized} images resized to {info.width}×{info.height} pixels, as the networks take",
            stacklevel=2,
        )
    return images, np.array([label for _, label in found], dtype=np.int64)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise cannot_read(path, reason(error)) from None


def _of_file(place: Path, info: DataInfo) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    found = members(place, (_IMAGES, _LABELS))
    for key in (_IMAGES, _LABELS):
        check_form(key, found[key].dtype, found[key].shape, str(place))
    images = found[_IMAGES] if found[_IMAGES].ndim == 4 else found[_IMAGES][..., None]
    labels = found[_LABELS].reshape(-1)
    trained = f"the networks were trained on {len(info.classes)} classes"
    if images.shape[1:] != (expected := (info.height, info.width, info.channels)):
        raise InputError(
            f"{place}: {_IMAGES} are {' × '.join(map(str, images.shape[1:]))}; the networks were trained on "
            f"{' × '.join(map(str, expected))} (height × width × channels)"
        )
    if len(images) != len(labels):
        raise InputError(
            f"{place}: {len(images):,} {_IMAGES} and {len(labels):,} {_LABELS}; give one label for each image"
        )
    if len(wrong := labels[(labels < 0) | (labels >= len(info.classes))]):
        raise InputError(
            f"{place}: {_LABELS} has a label {wrong[0]}; {trained}, 0 to {len(info.classes) - 1}"
        )
    names = found.get("classes")
    if names is not None and tuple(map(str, np.asarray(names).reshape(-1).tolist())) != info.classes:
        raise InputError(f"{place}: `classes` are others; {trained}: {', '.join(info.classes)[:200]}")
    return np.ascontiguousarray(images), labels.astype(np.int64)
