"""A file on a disk, plain, written whole or not at all, in a folder that is never made a second time.

A results folder that goes away (moved, removed, unmounted) must not come into being again because somebody
writes into it: what is written there lies below the mount point, or beside the sweep, and nobody finds it.
"""

import contextlib
import os
import uuid
from pathlib import Path

#: Of a file that is written or read: a checkpoint of ResNet-110 has 14 MB.
MAX_BYTES = 2**30


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
