"""Images and labels that a user brings as arrays, checked before anything is trained on them.

The form, in an .npz file and in what a function of one's own returns (n images of H × W pixels, C channels):

    train_images, test_images    uint8 [n, H, W] or [n, H, W, C], 0 to 255
    train_labels, test_labels    whole numbers [n], 0 to K − 1, every class among the training images
    classes                      K names (default: the numbers)
    flip                         whether a mirror image is of the same class (default: true)
    pad                          pixels of black border before the random crop (default: H / 8)

The last three may be left out. The fingerprint covers all that changes a number: pixels, labels, how many
classes there are, `flip` and `pad`. It is the same however and wherever the arrays are kept.
"""

from __future__ import annotations

import difflib
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.data.dataset import DataInfo
from model.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model.data.dataset import Arrays

REQUIRED = ("train_images", "train_labels", "test_images", "test_labels")
OPTIONAL = ("classes", "flip", "pad")
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Checked:
    """`arrays`: images uint8 [n, H, W, C], labels int64 [n], by part."""

    info: DataInfo
    arrays: Arrays


def checked(name: str, found: object, where: str) -> Checked:
    """What a user brought for the data set `name`. `where`: its file, for messages. Raises InputError."""
    if not isinstance(found, Mapping):
        raise InputError(f"{where}: expected a dict of arrays {', '.join(REQUIRED)}, got {_kind(found)}")
    check_names([str(key) for key in found], where)
    arrays = {key: _array(found[key], key, where) for key in REQUIRED}
    shape = arrays["train_images"].shape[1:]
    if (other := arrays["test_images"].shape[1:]) != shape:
        raise InputError(
            f"{where}: test_images are {_size(other)} and train_images {_size(shape)}; "
            "they must have one size (height × width × channels)"
        )
    for part in ("train", "test"):
        if len(arrays[f"{part}_images"]) != len(arrays[f"{part}_labels"]):
            raise InputError(
                f"{where}: {len(arrays[f'{part}_images']):,} {part}_images and "
                f"{len(arrays[f'{part}_labels']):,} {part}_labels; give one label for each image"
            )
    classes = _classes(found.get("classes"), arrays, where)
    flip, pad = _flip(found.get("flip"), where), _pad(found.get("pad"), shape[0], where)
    train, test = (len(arrays[f"{part}_labels"]) for part in ("train", "test"))
    height, width, channels = shape
    mark = _fingerprint(arrays, len(classes), flip, pad)
    info = DataInfo(name, train, test, channels, height, width, classes, mark, flip=flip, pad=pad)
    return Checked(info, arrays)


def check_names(names: list[str], where: str, required: Sequence[str] = REQUIRED) -> None:
    """Raises InputError where one is missing or misspelt; says which are not used."""
    if missing := [name for name in required if name not in names]:
        there = ", ".join(names[:8]) or "nothing"
        raise InputError(
            f"{where}: {missing[0]} is missing; expected {', '.join(required)}, there is {there}"
        )
    rest = [name for name in names if name not in REQUIRED + OPTIONAL]
    for name in rest:
        if near := difflib.get_close_matches(name, OPTIONAL, n=1, cutoff=0.7):
            raise InputError(f"{where}: unknown name {name!r}, did you mean {near[0]}?")
    if rest:
        warnings.warn(f"{where}: not used: {', '.join(rest[:8])}", stacklevel=2)


def check_form(key: str, dtype: np.dtype[Any], shape: tuple[int, ...], where: str) -> None:
    """Raises InputError where an array of that type and shape is none of what `key` may be."""
    if key.endswith("_images"):
        _check_images(key, dtype, shape, where)
    elif dtype.kind not in "iu" or not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        raise InputError(
            f"{where}: {key} are {dtype} of shape {list(shape)}; expected whole numbers of shape [n], "
            "the class of each image counted from 0"
        )
    if 0 in shape:
        raise InputError(f"{where}: {key} are empty (shape {list(shape)})")


def _check_images(key: str, dtype: np.dtype[Any], shape: tuple[int, ...], where: str) -> None:
    if dtype != "uint8":
        raise InputError(
            f"{where}: {key} are {dtype}; expected uint8, pixels of 0 to 255 that are neither scaled nor "
            "standardised"
        )
    if len(shape) not in (3, 4):
        raise InputError(f"{where}: {key} have shape {list(shape)}; expected [n, H, W] or [n, H, W, C]")
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise InputError(
            f"{where}: {key} have shape {list(shape)}, channels first; expected [n, H, W, C], channels last: "
            "transpose(0, 2, 3, 1)"
        )


def _array(value: object, key: str, where: str) -> NDArray[Any]:
    """Images uint8 [n, H, W, C] or labels int64 [n]."""
    import numpy as np

    try:
        array: NDArray[Any] = np.asarray(value)
    except Exception as error:  # whatever an object that calls itself an array raises
        raise InputError(f"{where}: {key} is no array: {type(error).__name__}") from None
    check_form(key, array.dtype, array.shape, where)
    if key.endswith("_labels"):
        if array.dtype.kind == "u" and int(array.max()) >= _MOST_CLASSES:
            raise InputError(f"{where}: {key} has a label {array.max()}; the most is {_MOST_CLASSES - 1}")
        return np.ascontiguousarray(array.reshape(-1), dtype=np.int64)
    return np.ascontiguousarray(array if array.ndim == 4 else array[..., None])


def _classes(given: object, arrays: Arrays, where: str) -> tuple[str, ...]:
    """The names of the classes, of which every one has training images."""
    import numpy as np

    train, test = arrays["train_labels"], arrays["test_labels"]
    names = None if given is None else [str(name) for name in np.asarray(given).reshape(-1).tolist()]
    count = int(train.max()) + 1 if names is None else len(names)
    if count > _MOST_CLASSES:
        raise InputError(f"{where}: train_labels has a label {count - 1}; the most is {_MOST_CLASSES - 1}")
    for key, labels in (("train_labels", train), ("test_labels", test)):
        wrong = labels[(labels < 0) | (labels >= count)]
        if len(wrong):
            raise InputError(
                f"{where}: {key} has a label {wrong[0]}; there are {count} classes, 0 to {count - 1}"
                + (", as many as train_labels have" if names is None else ", as `classes` says")
            )
    if len(absent := np.flatnonzero(np.bincount(train, minlength=count) == 0)):
        raise InputError(
            f"{where}: no training image has the label {absent[0]} of 0 to {count - 1}; "
            "labels count from 0 without a gap"
        )
    if count < 2:
        raise InputError(f"{where}: all images have one label; expected two classes or more")
    return tuple(map(str, range(count))) if names is None else tuple(names)


def _flip(given: object, where: str) -> bool:
    import numpy as np

    value = True if given is None else np.asarray(given).tolist()
    if not isinstance(value, bool):
        raise InputError(f"{where}: flip is {value!r:.60}; expected True or False")
    return value


def _pad(given: object, height: int, where: str) -> int | None:
    import numpy as np

    value = None if given is None else np.asarray(given).tolist()
    number = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (number and 0 <= value <= height):
        raise InputError(f"{where}: pad is {value!r:.60}; expected pixels, 0 to the height of {height}")
    return value


def _fingerprint(arrays: Arrays, classes: int, flip: bool, pad: int | None) -> str:
    digest = hashlib.sha256(f"{classes} {flip} {pad}\n".encode())
    for key in REQUIRED:
        array = arrays[key].astype("<i8") if key.endswith("_labels") else arrays[key]
        digest.update(f"{key} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()[:16]


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
