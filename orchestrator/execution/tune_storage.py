"""Where Tune keeps its own state: beside the results, so that all nodes reach it; never read back.

Tune makes that folder wherever it is told to, and all above it. On a disk it gets a file system that makes
none where the results folder is gone, and writes nothing once another run has it. Nowhere does it leave a
pickle: who loads a stranger's runs what is in it, and restoring an experiment is all that they are for.
"""

import contextlib
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs
from fsspec.implementations.local import LocalFileSystem

from orchestrator.results.disk import make_folders
from orchestrator.results.files import Files
from orchestrator.results.hold import check_held
from orchestrator.results.storage_errors import StorageError

_FOLDER = ".ray"


class HeldDisk(LocalFileSystem):  # type: ignore[misc]
    """A disk, of which only the folder `results` is written, and only by the run that holds it."""

    def __init__(self, results: str, token: str | None, **options: Any) -> None:
        super().__init__(**options)
        self._files, self._token = Files(results), token

    def mkdir(self, path: str, create_parents: bool = True, **_: object) -> None:
        """Raises OSError."""
        self._check()
        make_folders(self._files.root, str(self._strip_protocol(path)))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Raises OSError."""
        self.mkdir(path)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            self._check()
        return super()._open(path, mode, **options)

    def _check(self) -> None:
        if self._token is None:
            return
        try:
            check_held(self._files, self._token)
        except StorageError as error:
            raise OSError(str(error)) from None


class WithoutPickles(pyarrow.fs.FSSpecHandler):  # type: ignore[misc]
    """A file system of fsspec's for pyarrow, on which files called `.pkl` come to nothing."""

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        if path.endswith(".pkl"):
            return pa.PythonFile(io.BytesIO(), mode="w")
        return super().open_output_stream(path, metadata)


def fresh_storage(results: str, token: str | None) -> tuple[str, pyarrow.fs.FileSystem]:
    """A path for `tune.RunConfig`, with nothing there, and the file system."""
    files = Files(results)
    base = files.path(_FOLDER)
    with contextlib.suppress(FileNotFoundError):
        files.fs.rm(base, recursive=True)
    fs = HeldDisk(results, token) if files.local else files.fs
    return str(Path(base)) if files.local else base, pyarrow.fs.PyFileSystem(WithoutPickles(fs))
