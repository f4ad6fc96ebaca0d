"""Digests of files' contents, each read once and then known by what the file system says of it.

Size, times of modification and of change in nanoseconds, device and inode: where one differs the file is
read again. The time of change is the kernel's own, so a file whose time of modification was set back is
read again too. What changed within the last second before it was read is not taken for known: a second
change as soon as that may leave all of these as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model.data.cache import folder
from model.data.image import cannot_read
from model.errors import InputError, reason

_READERS = 8
_SETTLED_NS = 1_000_000_000
#: Raised when the meaning of the file of known digests changes.
_FORMAT = 1
_Facts = list[int]


def digests(root: Path, names: Sequence[str]) -> list[str]:
    """SHA-256 in hexadecimal of each file `root / name`, in order. Raises InputError that names a file.

    What is known from before is kept below $NORMSWEEP_CACHE; where that cannot be written, all is read again.
    """
    facts = {name: _stat(f"{root}/{name}") for name in names}
    memory = _memory(root)
    known = _read(memory)
    unknown = [name for name in names if known.get(name, ("", []))[1] != facts[name]]
    if unknown:
        now = time.time_ns()
        with ThreadPoolExecutor(_READERS) as pool:  # hashing lets go of the interpreter, and so does a disk
            read = dict(zip(unknown, pool.map(lambda name: _digest(f"{root}/{name}"), unknown), strict=True))
        known = {name: read.get(name) or known[name] for name in names}
        _write(memory, {name: entry for name, entry in known.items() if entry[1][2] < now - _SETTLED_NS})
    return [known[name][0] for name in names]


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal, as `digests` gives it."""
    return hashlib.sha256(content).hexdigest()


def _stat(path: str) -> _Facts:
    try:
        return _facts(os.stat(path))
    except OSError as error:
        raise cannot_read(path, reason(error)) from None


def _facts(stat: os.stat_result) -> _Facts:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_dev, stat.st_ino]


def _digest(path: str) -> tuple[str, _Facts]:
    """The digest, and the facts that it belongs to: of a file that is being written, those of before."""
    try:
        with open(path, "rb") as file:
            facts = _facts(os.fstat(file.fileno()))
            return hashlib.file_digest(file, "sha256").hexdigest(), facts
    except OSError as error:
        raise cannot_read(path, reason(error)) from None


def _memory(root: Path) -> Path | None:
    """Where the digests of the files below `root` are kept; None where nothing can be."""
    try:
        return folder() / f"digests-{digest(os.fsencode(root.resolve()))[:16]}-v{_FORMAT}.json"
    except InputError:
        return None


def _read(memory: Path | None) -> dict[str, tuple[str, _Facts]]:
    """What is known; of a damaged file nothing."""
    if memory is None:
        return {}
    try:
        entries = json.loads(memory.read_text(encoding="utf-8", errors="surrogateescape"))
        return {name: (str(entry[0]), list(entry[1])) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
        return {}


def _write(memory: Path | None, known: Mapping[str, tuple[str, Iterable[int]]]) -> None:
    """Whole or not at all; of two that write at once the last one wins, and both are right."""
    if memory is None:
        return
    part = memory.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(json.dumps(known), encoding="utf-8")
        part.replace(memory)
    except OSError:
        part.unlink(missing_ok=True)
