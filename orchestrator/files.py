"""Files of a results folder, on a disk or in a bucket, written whole or not at all.

One small class over fsspec, because two things differ between a disk and a bucket and nothing else in
the product should care: a disk needs a temporary name, a flush and a rename for a write to be whole,
and a bucket's single PUT already is; a bucket lists everything below a prefix in a few requests.
"""

import json
import os
import uuid
from pathlib import PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from model.errors import InputError

_ABSENT = (FileNotFoundError, NotADirectoryError)
#: No file of ours comes near it; a stranger's file that does is not read.
MAX_JSON_BYTES = 64 * 2**20


class Files:
    """Reads and writes below one root. `url`: a path, `file://…`, `s3://bucket/prefix`, any fsspec URL."""

    def __init__(self, url: str) -> None:
        try:
            self.fs, self.root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            scheme = url.split("://", maxsplit=1)[0]
            raise InputError(f"{url} needs an extra: pip install 'normsweep[{scheme}]' ({error})") from None
        except ValueError as error:
            raise InputError(f"{url} is no folder or URL that fsspec knows: {error}") from None
        self.url = url
        self.local = isinstance(self.fs, LocalFileSystem)
        if not self.local:
            self.fs.use_listings_cache = False

    def path(self, name: str) -> str:
        """The full path of a relative name. Raises ValueError where it would leave the root."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\\" in name:
            raise ValueError(f"{name!r} is not a name inside {self.url}")
        return f"{self.root}/{name}"

    def write(self, name: str, data: bytes) -> None:
        """Write the whole file or leave what was there. Raises OSError."""
        path = self.path(name)
        if not self.local:
            self.fs.pipe_file(path, data)
            return
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        temporary = f"{path}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises FileNotFoundError."""
        return bytes(self.fs.cat_file(self.path(name)))

    def write_json(self, name: str, value: Any) -> None:
        self.write(name, json.dumps(value, indent=1, allow_nan=False).encode())

    def read_json(self, name: str) -> Any:
        """The parsed file, None where there is none. Raises ValueError where it is damaged or too large."""
        path = self.path(name)
        try:
            if self.fs.size(path) > MAX_JSON_BYTES:
                raise ValueError(f"{path} is larger than any file of a sweep")
            return json.loads(self.read(name))
        except _ABSENT:
            return None

    def read_jsons(self, names: list[str]) -> dict[str, Any]:
        """Many small JSON files at once; a damaged one comes back as ValueError in its place."""
        found: dict[str, Any] = {}
        if self.local:
            for name in names:
                try:
                    value = self.read_json(name)
                except ValueError as error:
                    value = error
                if value is not None:
                    found[name] = value
            return found
        paths = {self.path(name): name for name in names}
        if not paths:
            return found
        for path, data in self.fs.cat(list(paths), on_error="return").items():
            name = paths[path if path in paths else path.lstrip("/")]
            if isinstance(data, _ABSENT):
                continue
            if isinstance(data, Exception):
                raise data
            try:
                found[name] = json.loads(data)
            except ValueError as error:
                found[name] = error
        return found

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            self.fs.rm_file(self.path(name))
        except _ABSENT:
            return

    def list(self, folder: str) -> dict[str, set[str]]:
        """Every subfolder of `folder` with the names of its files. Empty where there is no such folder."""
        base = self.path(folder)
        found: dict[str, set[str]] = {}
        if self.local:
            try:
                entries = list(os.scandir(base))
            except _ABSENT:
                return found
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found[entry.name] = {
                        file.name for file in os.scandir(entry.path) if file.is_file(follow_symlinks=False)
                    }
            return found
        try:
            paths = self.fs.find(base)
        except _ABSENT:
            return found
        for path in paths:
            subfolder, _, name = path.removeprefix(base).lstrip("/").partition("/")
            if name and "/" not in name:
                found.setdefault(subfolder, set()).add(name)
        return found

    def names(self, folder: str) -> set[str]:
        """The names of the files in one folder. Empty where there is no such folder."""
        base = self.path(folder)
        try:
            if self.local:
                return {file.name for file in os.scandir(base) if file.is_file(follow_symlinks=False)}
            found = self.fs.ls(base, detail=True)
        except _ABSENT:
            return set()
        return {PurePosixPath(entry["name"]).name for entry in found if entry["type"] == "file"}

    def writable(self) -> None:
        """Try a write. Raises InputError that says what stands in the way."""
        name = f".probe-{uuid.uuid4().hex[:8]}"
        try:
            self.write(name, b"")
            self.remove(name)
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise InputError(
                f"the results folder {self.url} cannot be written: {reason}. "
                "Choose another with --results, or change its permissions."
            ) from None
