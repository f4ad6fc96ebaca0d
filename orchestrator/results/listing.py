"""A folder's subfolders as one listing has them: what files are there, how large, and which versions of them.

A version is told without reading: by the ETag in a bucket, on a disk by what the kernel keeps of a file. Its
time of change is the kernel's own, so that a file has another one whose time of modification was set back.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

#: What changed within so many seconds has no version: a second change as soon as that may leave every number
#: of a file as it is, and clocks of network file systems are a little apart.
SETTLED = 10.0


class Listed(NamedTuple):
    """`sizes`: bytes of each file by name. `version`: the same while every file is; empty where storage does
    not tell."""

    sizes: dict[str, int]
    version: str


def on_disk(entries: Iterable[os.DirEntry[str]]) -> Listed:
    """Of plain files; a link could lead out of the folder."""
    stats = {entry.name: stat for entry, stat in _stats(entries)}
    sizes = {name: stat.st_size for name, stat in stats.items()}
    latest = max((max(stat.st_mtime, stat.st_ctime) for stat in stats.values()), default=0.0)
    if latest > time.time() - SETTLED:
        return Listed(sizes, "")
    facts = sorted((n, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_dev, s.st_ino) for n, s in stats.items())
    return Listed(sizes, _digest(facts))


def in_bucket(files: Mapping[str, Mapping[str, Any]]) -> Listed:
    """By the details that a listing of the bucket gives of each file."""
    sizes = {name: int(details["size"]) for name, details in files.items()}
    tags = {name: details.get("ETag") or details.get("etag") for name, details in files.items()}
    facts = sorted((name, size, str(tags[name])) for name, size in sizes.items())
    return Listed(sizes, _digest(facts) if all(tags.values()) else "")


def _stats(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                yield entry, entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone since it was listed
            continue


def _digest(facts: object) -> str:
    return hashlib.blake2b(repr(facts).encode(errors="surrogateescape"), digest_size=12).hexdigest()
