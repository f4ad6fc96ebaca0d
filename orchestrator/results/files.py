"""Files of a results folder, on a disk or in a bucket, written whole or not at all.

One small class over fsspec, because two things differ between a disk and a bucket and nothing else in
the product should care: a disk needs a temporary name, a flush and a rename for a write to be whole,
and a bucket's single PUT already is; a bucket lists everything below a prefix in a few requests.

Storage goes away and comes back (`orchestrator.results.patience`), and a run that holds a folder looks before
each write whether it holds it still (`orchestrator.results.hold`). To a patient reader a missing root is
storage that is gone and not an empty folder: taking it for empty would train everything anew. A root is
made by the first that writes there, and never by who is patient or holds it: it was there when they began.
"""

import os
import textwrap
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from model.errors import InputError, reason
from model.plain_file import NoPlainFileError, read_whole
from orchestrator.results import bucket, json_file, listing
from orchestrator.results.disk import MAX_BYTES, write_whole
from orchestrator.results.json_file import JsonObject
from orchestrator.results.listing import Listed
from orchestrator.results.patience import ABSENT, as_storage_error, patiently
from orchestrator.results.storage_errors import StorageError, remedy, within
from orchestrator.results.url import package_for, refuse_chain, refuse_password

if TYPE_CHECKING:  # a folder on a disk is read without it, and sooner by a quarter of a command's start
    from fsspec import AbstractFileSystem

#: Seconds in which storage has to answer before a sweep begins.
_ANSWER_SECONDS = 25.0
_T = TypeVar("_T")


class Files:
    """Reads and writes below one root. `url`: a path, `file://…`, `s3://bucket/prefix`, any fsspec URL.

    `patience`: seconds to try again for where storage fails, then StorageError; None tries once, raises
    what storage raised, and takes a missing root for an empty one. `waiting`: told when that begins.
    """

    def __init__(
        self, url: str, patience: float | None = None, waiting: Callable[[str], None] = lambda _: None
    ) -> None:
        """Raises InputError where `url` cannot be or is not answered; StorageError with `patience`."""
        refuse_password(url)
        refuse_chain(url)
        self.url, self.root, self.local = url, url, "://" not in url
        #: Asked before each write, and where a file is missing; raises LostError or StorageError.
        self.check_held: Callable[[], None] | None = None
        self._patience, self._waiting = patience, waiting
        if patience is None:
            self._or_say("opened", self._open)
        else:
            self._patiently(lambda: within(_ANSWER_SECONDS, self._open))

    def _open(self) -> None:
        """Some backends connect in their constructor: FTP, SFTP, SMB, HDFS."""
        if self.local:
            self.root = os.path.join(os.getcwd(), os.path.expanduser(self.url)).rstrip("/") or "/"
            return
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        try:
            self.fs, self.root = url_to_fs(self.url, use_listings_cache=False)
        except ImportError as error:
            scheme = self.url.split("://", maxsplit=1)[0]
            raise InputError(f"{self.url} needs {package_for(scheme)} ({error})") from None
        except ValueError as error:
            raise InputError(f"{self.url} is no folder or URL that fsspec knows: {error}") from None
        self.local = isinstance(self.fs, LocalFileSystem)

    @cached_property
    def fs(self) -> "AbstractFileSystem":
        """fsspec's file system, for what is asked of a disk and of buckets alike."""
        from fsspec.implementations.local import LocalFileSystem

        return LocalFileSystem(use_listings_cache=False)

    def path(self, name: str) -> str:
        """The full path of a relative name. Raises ValueError where it would leave the root."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\\" in name:
            raise ValueError(f"{name!r} is not a name inside {self.url}")
        return f"{self.root}/{name}"

    # -- writing -----------------------------------------------------------------------------------

    def write(self, name: str, data: bytes, *, once: bool = False) -> None:
        """Write the whole file or leave what was there. Raises StorageError, ValueError of too many bytes.

        `once`: raises FileExistsError where there is one; see `disk` and `bucket` for two at one moment.
        """
        path = self.path(name)
        if len(data) > MAX_BYTES:
            raise ValueError(f"{name}: {len(data)} bytes; no more than {MAX_BYTES} are read again")

        def attempt() -> None:
            self._held()
            if self.local:
                self._write_local(path, data, once=once)
            elif once:
                bucket.create(self.fs, path, data)
            else:
                self.fs.pipe_file(path, data)

        try:
            self._patiently(attempt)
        except OSError as error:
            if isinstance(error, FileExistsError):
                raise
            raise as_storage_error(error, self.url) from error

    def _write_local(self, path: str, data: bytes, *, once: bool = False) -> None:
        if self._patience is None and self.check_held is None:
            os.makedirs(self.root, exist_ok=True)
        self._root_is_there()
        try:
            write_whole(self.root, path, data, once=once)
        except FileNotFoundError as error:  # the root went away in its middle, and may be back by now
            self._root_is_there()
            raise as_storage_error(error, self.url) from error

    def write_json(self, name: str, value: Mapping[str, object], *, once: bool = False) -> None:
        """Write a mapping with its checksum, so that any later damage is seen. `once`: see `write`."""
        self.write(name, json_file.encode(value), once=once)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        path = self.path(name)

        def attempt() -> None:
            self._held()
            os.remove(path) if self.local else self.fs.rm_file(path)

        try:
            self._patiently(attempt)
        except ABSENT:
            return

    def writable(self) -> None:
        """Try a write. Raises InputError that says what stands in the way, soon."""
        name = f".probe-{uuid.uuid4().hex[:8]}"

        def attempt() -> None:
            if not self.local:
                bucket.there(self.fs, self.root, None)
            self.write(name, b"")
            self.remove(name)

        self._or_say("written", attempt)

    def readable(self) -> None:
        """Try to list. Raises InputError that says what stands in the way, soon; an empty place is none."""

        def attempt() -> None:
            try:
                self._once(lambda: os.listdir(self.root) if self.local else self.fs.ls(self.root))
            except FileNotFoundError as error:
                if not self.local and bucket.gone(self.fs, self.root, error):
                    raise FileNotFoundError("the bucket does not exist") from error

        self._or_say("read", attempt)

    def _or_say(self, what: str, action: Callable[[], None]) -> None:
        try:
            action() if self.local else within(_ANSWER_SECONDS, action)
        except InputError:
            raise
        except Exception as error:
            why = textwrap.shorten(reason(error).removeprefix(f"{self.url}: ").rstrip("."), 400)
            what_to_do = remedy(error, local=self.local)
            raise InputError(f"the results folder {self.url} cannot be {what}: {why}. {what_to_do}") from None

    # -- reading -----------------------------------------------------------------------------------

    def read(self, name: str, most: int = MAX_BYTES) -> bytes:
        """The file's bytes. Raises FileNotFoundError, also where it is no plain file of at most so many."""
        read = read_whole if self.local else partial(bucket.read, self.fs)
        return self._patiently(lambda: read(self.path(name), most))

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            path = self.path(name)
            self._patiently(lambda: os.lstat(path) if self.local else self.fs.size(path))
        except ABSENT:
            return False
        return True

    def read_json(self, name: str) -> JsonObject | None:
        """The mapping in a file, without its checksum; None where there is no file.

        Raises ValueError where it is damaged, too large or no mapping.
        """
        try:
            return json_file.parse(self.read(name, json_file.MAX_JSON_BYTES))
        except NoPlainFileError as error:
            raise ValueError(error.strerror) from None
        except ABSENT:
            return None

    def read_jsons(self, names: list[str]) -> dict[str, JsonObject | ValueError]:
        """Many small JSON files at once; a damaged one comes back as ValueError in its place."""
        values: dict[str, JsonObject | ValueError] = {}
        if not self.local:
            paths = {self.path(name): name for name in names}
            self._patiently(lambda: bucket.read_jsons(self.fs, self.root, paths, values))
            return {name: values[name] for name in names if name in values}
        for name in names:
            try:
                value: JsonObject | ValueError | None = self.read_json(name)
            except ValueError as error:
                value = error
            if value is not None:
                values[name] = value
        return values

    def listing(self, folder: str) -> dict[str, Listed]:
        """Every subfolder of `folder` with its files. Empty where there is no such folder."""
        base = self.path(folder)
        try:
            if self.local:
                entries = self._patiently(lambda: self._scan(base))
                folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
                return {entry.name: listing.on_disk(os.scandir(entry.path)) for entry in folders}
            found = self._patiently(lambda: bucket.find(self.fs, self.root, base))
        except ABSENT:
            return {}
        files: dict[str, dict[str, Any]] = {}
        for subfolder, name, details in bucket.in_folders(found, base):
            files.setdefault(subfolder, {})[name] = details
        return {subfolder: listing.in_bucket(own) for subfolder, own in files.items()}

    def folders(self, folder: str) -> dict[str, set[str]]:
        """Every subfolder of `folder` with the names of its files. Empty where there is no such folder."""
        return {subfolder: {*listed.sizes} for subfolder, listed in self.listing(folder).items()}

    def sizes(self, folder: str, name: str) -> dict[str, int]:
        """Bytes of the file of that name in each subfolder of `folder` that has one."""
        found = self.listing(folder).items()
        return {subfolder: listed.sizes[name] for subfolder, listed in found if name in listed.sizes}

    def names(self, folder: str) -> set[str]:
        """The names of the files in one folder. Empty where there is no such folder."""
        base = self.path(folder)
        try:
            if self.local:
                return _files_in(self._patiently(lambda: self._scan(base)))
            self.fs.invalidate_cache()
            entries = self._patiently(lambda: self.fs.ls(base, detail=True))
        except ABSENT:
            return set()
        return {PurePosixPath(entry["name"]).name for entry in entries if entry["type"] == "file"}

    # -- patience ----------------------------------------------------------------------------------

    def _scan(self, base: str) -> list[os.DirEntry[str]]:
        self._root_is_there()
        return [*os.scandir(base)]

    def _root_is_there(self) -> None:
        if (self._patience is not None or self.check_held) and not os.path.isdir(self.root):
            raise StorageError(f"{self.url}: the results folder is gone")

    def _held(self) -> None:
        if self.check_held is not None:
            self.check_held()

    def _once(self, action: Callable[[], _T]) -> _T:
        """A backend's own errors (botocore's are no OSError) come out as StorageError."""
        try:
            return action()
        except (OSError, StorageError):
            raise
        except Exception as error:
            raise as_storage_error(error, self.url) from error

    def _patiently(self, action: Callable[[], _T]) -> _T:
        """Do it, and where storage fails do it again, ever more slowly, until patience is at its end."""
        if self._patience is None:
            return self._once(action)

        def attempt() -> _T:
            try:
                if self.local:
                    self._root_is_there()
                return action()
            except ABSENT as absent:
                if os.path.isdir(self.root) if self.local else not bucket.gone(self.fs, self.root, absent):
                    self._held()
                    raise  # the file is absent, storage is not
                what = "folder" if self.local else "bucket"
                raise StorageError(f"{self.url}: the results {what} is gone") from absent

        return patiently(attempt, self.url, self._patience, self._waiting)


def _files_in(entries: Iterable[os.DirEntry[str]]) -> set[str]:
    """The names of plain files; a link could lead out of the folder."""
    return {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
