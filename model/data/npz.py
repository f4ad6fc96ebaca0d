"""An .npz file by path, as `numpy.savez` writes it; what is in it is described in `model.data.arrays`.

A file from a stranger is safe to open: nothing is unpickled, and the sizes that its headers and its directory
say are held against each other and against this machine's memory before anything is unpacked.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.data.arrays import OPTIONAL, REQUIRED, Checked, check_form, check_names, checked
from model.data.cache import cached
from model.data.content import digests
from model.data.dataset import DataInfo
from model.errors import InputError, reason

if TYPE_CHECKING:
    from model.data.dataset import Arrays

_HOW = "write it by numpy.savez(FILE, train_images=…, train_labels=…, test_images=…, test_labels=…)"
#: Bytes of `classes`, `flip` and `pad` at most: names, and not images.
_MOST_BYTES = 10_000_000


def read(data_dir: str | None) -> Checked:
    """The images of the file at that path, unpacked once per machine. Raises InputError."""
    path = _path(data_dir)
    (sha256,) = digests(path.parent, [path.name])
    loaded = dict(cached(f"npz-{sha256[:16]}", lambda: _unpacked(path)))
    facts = {key: loaded.pop(f"info_{key}") for key in ("classes", "fingerprint", "flip", "pad")}
    height, width, channels = loaded["train_images"].shape[1:]
    info = DataInfo(
        name="npz",
        train_size=len(loaded["train_labels"]),
        test_size=len(loaded["test_labels"]),
        channels=channels,
        height=height,
        width=width,
        classes=tuple(map(str, facts["classes"])),
        fingerprint=str(facts["fingerprint"]),
        flip=bool(facts["flip"]),
        pad=None if facts["pad"] < 0 else int(facts["pad"]),
    )
    return Checked(info, loaded)


def _unpacked(path: Path) -> Arrays:
    """The arrays, and what is known of them as arrays too, for the cache."""
    import numpy as np

    found = checked("npz", members(path), str(path))
    info = found.info
    return found.arrays | {
        "info_classes": np.array(info.classes),
        "info_fingerprint": np.array(info.fingerprint),
        "info_flip": np.array(info.flip),
        "info_pad": np.array(-1 if info.pad is None else info.pad),
    }


def members(path: Path, required: Sequence[str] = REQUIRED) -> dict[str, Any]:
    """The arrays of that file, these and those that may be left out; others are not unpacked.

    Raises InputError.
    """
    import numpy as np

    wanted = {*required, *OPTIONAL}
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, str(path), required)
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files if name in wanted}
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise whatever damage makes them stumble over
        raise InputError(f"cannot read {path}: {reason(error)[:200]}; {_HOW}") from None


def _check(archive: zipfile.ZipFile, where: str, required: Sequence[str]) -> None:
    """Raises InputError where a header is not what it should be, before its array is unpacked."""
    import psutil

    entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
    check_names(list(entries), where, required)
    total = 0
    for name, entry in entries.items():
        if name not in required and name not in OPTIONAL:
            continue
        with archive.open(entry) as file:
            shape, dtype = _header(file)
            size = file.tell() + math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise InputError(f"{where}: {name} holds Python objects, which are not read; save numbers")
        if size != entry.file_size:
            raise InputError(
                f"{where}: {name} says that it is {dtype} of shape {list(shape)}, {size:,} bytes, and has "
                f"{entry.file_size:,}: the file is damaged; {_HOW}"
            )
        if name in required:
            check_form(name, dtype, shape, where)
        elif size > _MOST_BYTES:
            raise InputError(f"{where}: {name} takes {size:,} bytes; expected {_MOST_BYTES:,} at most")
        total += size
    if total > (free := psutil.virtual_memory().available):
        raise InputError(
            f"{where}: its arrays take {total / 1e9:,.1f} GB, and this machine has {free / 1e9:,.1f} GB of "
            "memory free"
        )


def _header(file: Any) -> tuple[tuple[int, ...], Any]:
    """Shape and type that an array says it has."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(file)
    else:
        shape, _, dtype = npy.read_array_header_2_0(file)
    return shape, dtype


def _path(data_dir: str | None) -> Path:
    if not data_dir:
        raise InputError(f"data set npz needs --data-dir, a file: --data-dir FILE.npz; {_HOW}")
    path = Path(os.path.expanduser(data_dir))
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"--data-dir {data_dir[:200]}: cannot be read: {reason(error)}; {_HOW}") from None
    return path
