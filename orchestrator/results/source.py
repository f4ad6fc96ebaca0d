"""The source that trains, as digests: numbers of edited code must not be mixed with those of before unawares.

Which files count is found and not listed: those of `model` that a training imports, directly or by way of
others; of each what Python reads (`model.digest`). A norm or a network that a user brings is no part of this:
it belongs to its own trials, whose identity has its digest (`model.own`).
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.digest import digest, file_digest, imported_files

ROOT = Path(__file__).parents[2]
#: What a worker imports to train; the rest follows.
ENTRIES = ("model.training.training", "model.data.registry")
_PACKAGE = "model"


@dataclass(frozen=True)
class Code:
    """`digest`: of all `files`; `files`: digest of each by its path below the project. Hexadecimal digits."""

    digest: str
    files: Mapping[str, str] = field(compare=False)


@functools.cache  # what this process has imported does not change with the files
def training_code() -> Code:
    """The code that trains in this process."""
    files = training_files(ROOT)
    return Code(digest(files), files)


def training_files(root: Path) -> dict[str, str]:
    """Digests of the files below `root` that can change a number, by path: all that `ENTRIES` import."""
    return imported_files(root, ENTRIES, lambda module: module.partition(".")[0] == _PACKAGE)


def package_files(root: Path, packages: Iterable[str]) -> dict[str, str]:
    """Digests of every Python file of `packages` below `root`, by path."""
    paths = [path for package in packages for path in sorted((root / package).rglob("*.py"))]
    return {path.relative_to(root).as_posix(): file_digest(path.read_bytes()) for path in paths}


def differing(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """The paths of the files that are not the same, or are in one of the two alone."""
    return sorted(path for path in {*here, *there} if here.get(path) != there.get(path))
