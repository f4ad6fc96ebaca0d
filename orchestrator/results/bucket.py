"""What a bucket does in another way than a disk: everything below a prefix is listed at once."""

from collections.abc import Iterator, Mapping
from typing import Any

import fsspec

from model.plain_file import TooLargeError
from orchestrator.results import json_file
from orchestrator.results.json_file import JsonObject
from orchestrator.results.patience import ABSENT


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


def parsed(contents: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, JsonObject | ValueError]:
    """What `fs.cat` gave of JSON files, by name (`names`: by path). Absent ones are left out."""
    values: dict[str, JsonObject | ValueError] = {}
    for path, data in contents.items():
        name = names[path if path in names else path.lstrip("/")]
        if isinstance(data, ABSENT):
            continue
        if isinstance(data, Exception):
            raise data
        try:
            values[name] = json_file.parse(data)
        except ValueError as error:
            values[name] = error
    return values
