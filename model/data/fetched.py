"""What data sets that torchvision fetches have in common: where they lie, what is said where they don't come.

torchvision knows their addresses and checksums, and looks for them in the folder before it asks the network.
Who has an archive nearer than that (a bucket, for the nodes of a cluster) is asked before.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.data.cache import cached, folder
from model.errors import InputError, first_line

if TYPE_CHECKING:
    from model.data.dataset import Arrays

#: Gives the bytes of the archive of that name and MD5, None where it has none.
Bring = Callable[[str, str], bytes | None]


def from_nowhere(_name: str, _md5: str) -> bytes | None:
    """The network alone has it."""
    return None


@dataclass(frozen=True)
class Fetched:
    """A data set that torchvision fetches. `key`: of its decoded images in the cache.

    `read`: makes arrays of the files below a folder, and fetches those that are missing. `official`: URL and
    MD5 of each archive, as torchvision has them. `below`: where in that folder it looks for them.
    """

    name: str
    key: str
    read: Callable[[Path], Arrays]
    official: Callable[[], Sequence[tuple[str, str]]]
    below: str = ""

    def arrays(self, data_dir: str | None = None, bring: Bring = from_nowhere) -> Arrays:
        """The decoded images, made of the files in `data_dir`, by default the cache's folder.

        Whatever is missing there is asked of `bring` first and fetched then, by one process alone. Raises
        InputError.
        """
        return cached(self.key, lambda: self._decoded(_root(data_dir), bring))

    def archives(
        self, data_dir: str | None = None, bring: Bring = from_nowhere
    ) -> dict[tuple[str, str], Path]:
        """The official archives that this machine has by now, by name and MD5: those of `arrays`, but for a
        folder that holds what was unpacked and no archives. Raises InputError."""
        self.arrays(data_dir, bring)
        place = _root(data_dir) / self.below
        return {(name, md5): place / name for name, md5 in self._named() if _is_official(place / name, md5)}

    def _decoded(self, root: Path, bring: Bring) -> Arrays:
        try:
            root.mkdir(parents=True, exist_ok=True)
            for name, md5 in self._named():
                _put(root / self.below / name, md5, bring)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return self.read(root)
        except (OSError, RuntimeError) as error:  # URLError is an OSError, a wrong checksum a RuntimeError
            urls = [url for url, _ in self.official()]
            names = [name for name, _ in self._named()]
            raise InputError(
                f"cannot fetch {self.name}: {first_line(error)}\n"
                f"Download {' and '.join(urls)} elsewhere and put {' and '.join(names)} into "
                f"{root / self.below}, or use --dataset digits."
            ) from None

    def _named(self) -> list[tuple[str, str]]:
        return [(url.rpartition("/")[2], md5) for url, md5 in self.official()]


def _root(data_dir: str | None) -> Path:
    return Path(os.path.expanduser(data_dir)) if data_dir else folder()


def _is_official(path: Path, md5: str) -> bool:
    from torchvision.datasets.utils import check_integrity

    return bool(check_integrity(str(path), md5))


def _put(path: Path, md5: str, bring: Bring) -> None:
    """Put the archive there, whole, where it is missing and `bring` has it."""
    if _is_official(path, md5) or (data := bring(path.name, md5)) is None:
        return
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
        return  # damaged there: the network has another
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
