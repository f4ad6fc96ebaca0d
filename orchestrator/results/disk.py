"""A file on a disk, plain, written whole or not at all, in a folder that is never made a second time.

A results folder that goes away (moved, removed, unmounted) must not come into being again because somebody
writes into it: what is written there lies below the mount point, or beside the sweep, and nobody finds it.
"""

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path

#: Of a file that is written or read: a checkpoint of ResNet-110 has 14 MB.
MAX_BYTES = 2**30


class NoPlainFileError(FileNotFoundError):
    """A pipe, a device or a folder lies where a file of a sweep should: it could be read for ever."""


class TooLargeError(NoPlainFileError):
    """A file is larger than any that a sweep writes: a stranger's, and reading it would fill the memory."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ENOENT, "it is larger than any file of a sweep", path)


def read_whole(path: str, most: int) -> bytes:
    """The bytes of a plain file. Raises FileNotFoundError where there is none, no plain one, or none of at
    most so many bytes."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise NoPlainFileError(errno.ENOENT, "it is no plain file", path)
        if facts.st_size > most:
            raise TooLargeError(path)
        return file.read()


def write_whole(root: str, path: str, data: bytes, *, once: bool = False) -> None:
    """Write `path` below `root`; folders between them are made, `root` is not.

    `once`: raises FileExistsError where there is such a file, and leaves it alone. Raises OSError.
    """
    make_folders(root, os.path.dirname(path))
    temporary = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if once:
            _link(temporary, path)
        else:
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def make_folders(root: str, folder: str) -> None:
    """Make `folder` below `root`, level by level: `os.makedirs` would make a root that goes away just now."""
    missing = []
    while folder != root and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        Path(path).mkdir(exist_ok=True)


def _link(temporary: str, path: str) -> None:
    """Give a file its name, unless there is one of that name: a link is made once or not at all."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, where a look before the write has to do
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(temporary, path)
