"""Decoded images, once per machine, however many workers start at once.

The first to take the file lock decodes and writes one .npy per array; the folder gets its final name
by rename when all of it is there, so what has the name is whole. Everybody maps the files into memory,
which the machine then holds once. The shapes are checked on opening; a damaged entry is made again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import InputError

if TYPE_CHECKING:
    from model.data.dataset import Arrays

#: Raised when the meaning of cached arrays changes.
FORMAT = 2


def folder() -> Path:
    """$NORMSWEEP_CACHE, else ~/.cache/normsweep; made where missing. Raises InputError."""
    path = Path(os.environ.get("NORMSWEEP_CACHE") or Path.home() / ".cache" / "normsweep")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the cache folder {path} cannot be made: {error.strerror}; set NORMSWEEP_CACHE to a folder "
            "that can be written"
        ) from None
    return path


def cached(key: str, decode: Callable[[], Arrays]) -> Arrays:
    """The arrays under `key`, memory-mapped; `decode` makes them where they are missing or damaged."""
    from filelock import FileLock

    target = folder() / f"{key}-v{FORMAT}"
    arrays = _open(target)
    if arrays is not None:
        return arrays
    try:
        with FileLock(f"{target}.lock"):
            arrays = _open(target)
            if arrays is None:
                _write(target, decode())
                arrays = _open(target)
    except OSError as error:
        raise InputError(
            f"cannot write decoded images to {target}: {error.strerror or error}; free some space, or set "
            "NORMSWEEP_CACHE to another folder"
        ) from None
    if arrays is None:
        raise InputError(f"the cache {target} cannot be read back; remove it and try again")
    return arrays


def _write(target: Path, arrays: Arrays) -> None:
    import numpy as np

    part = Path(tempfile.mkdtemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent))
    try:
        facts: dict[str, Any] = {}
        for name, array in arrays.items():
            np.save(part / f"{name}.npy", array, allow_pickle=False)
            facts[name] = [list(array.shape), str(array.dtype), (part / f"{name}.npy").stat().st_size]
        (part / "arrays.json").write_text(json.dumps(facts), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _open(target: Path) -> Arrays | None:
    """The arrays of a whole entry, None where there is none or it is damaged."""
    import numpy as np

    try:
        facts = json.loads((target / "arrays.json").read_text(encoding="utf-8"))
        arrays: Arrays = {}
        for name, (shape, dtype, size) in facts.items():
            path = target / f"{name}.npy"
            # copy-on-write: torch wants memory that may be written, the file must stay as it is
            array = np.load(path, mmap_mode="c", allow_pickle=False)
            if list(array.shape) != shape or str(array.dtype) != dtype or path.stat().st_size != size:
                return None
            arrays[name] = array
    except (OSError, ValueError, TypeError, AttributeError, EOFError):
        return None
    return arrays
