"""What a bucket does in another way than a disk: everything below a prefix is listed at once."""

from collections.abc import Iterator, Mapping
from typing import Any

import fsspec

from model.plain_file import NoPlainFileError, TooLargeError
from orchestrator.results import json_file
from orchestrator.results.json_file import JsonObject
from orchestrator.results.patience import ABSENT

#: More bytes than a JSON file of ours has: the history of 3,000 epochs.
_USUAL = 2**20


def create(fs: fsspec.AbstractFileSystem, path: str, data: bytes) -> None:
    """Write a file that is not there yet. Raises FileExistsError.

    In S3 the write itself is refused (If-None-Match), so that of two at one moment one succeeds. Where
    storage has no such write, the look before it has to do.
    """
    if fs.exists(path):
        raise FileExistsError(path)
    try:
        fs.pipe_file(path, data, mode="create")
    except (NotImplementedError, TypeError):
        fs.pipe_file(path, data)


def read(fs: fsspec.AbstractFileSystem, path: str, most: int) -> bytes:
    """The bytes of a file. Raises FileNotFoundError where there is none, or one of more than `most`."""
    if (fs.size(path) or 0) > most:
        raise TooLargeError(path)
    return bytes(fs.cat_file(path))


def in_folders(found: Mapping[str, Any], base: str) -> Iterator[tuple[str, str, Any]]:
    """Of what was found below `base`, the files that lie in a folder of it: folder, name and details."""
    for path, details in found.items():
        folder, _, name = path.removeprefix(base).lstrip("/").partition("/")
        if name and "/" not in name:
            yield folder, name, details


def read_jsons(fs: fsspec.AbstractFileSystem, names: Mapping[str, str]) -> dict[str, JsonObject | ValueError]:
    """Many JSON files at once, by name (`names`: by path). Absent ones are left out; in the place of one that
    is damaged or too large is what is wrong with it.

    Of each so many bytes are asked for as ours have; only of one that has more, or did not come, the size is
    looked at, before the rest is.
    """
    paths = list(names)
    ranges = [0] * len(paths), [_USUAL] * len(paths)
    begun = fs.cat_ranges(paths, *ranges, on_error="return") if paths else []
    values: dict[str, JsonObject | ValueError] = {}
    for path, data in zip(paths, begun, strict=True):
        if isinstance(data, ABSENT):
            continue
        try:
            whole = isinstance(data, bytes) and len(data) < _USUAL
            values[names[path]] = json_file.parse(data if whole else read(fs, path, json_file.MAX_JSON_BYTES))
        except NoPlainFileError as error:
            values[names[path]] = ValueError(error.strerror)
        except ABSENT:
            continue
        except ValueError as error:
            values[names[path]] = error
    return values
