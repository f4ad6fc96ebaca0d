"""Results that were read before and found whole, by the versions of their trials' files.

A sweep of 100,000 finished trials has 400,000 files, of which next to none is new when a command is given.
What is kept of a trial is its result, and that everything in its folder was checked and is as it should be;
what is not is not kept, and is looked at anew each time. It counts while every file there has the version
(`listing`) that it had before it was read, and is kept in this process and, of large sweeps, in a file below
$NORMSWEEP_CACHE. That file is a help and no more: where it is damaged or cannot be written, all is read.
"""

import contextlib
import gzip
import hashlib
import json
import os
import threading
import uuid
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from model.data.cache import folder
from model.errors import InputError
from orchestrator.results.records import Result
from orchestrator.results.shared import Shared

#: Raised when more is checked of a trial before it is kept, or its result is kept in another way.
_FORMAT = 1
#: A sweep of fewer trials is read as soon as its file of results would be.
LEAST = 1000
_MOST = 500_000
#: The file is written anew where one in so many is new: each look at a sweep that runs finds some.
_NEW = 50
#: Sweeps of which there is a file: those that were looked at last.
_SWEEPS = 16


class Known:
    """Of one results folder; for any number of threads. Two processes may use its file at once: it is
    replaced whole, and both are right."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._entries: dict[str, tuple[str, Result]] = {}
        self._loaded, self._new = False, 0
        self._lock = threading.Lock()

    def expect(self, trials: int) -> None:
        """So many trials are asked for next."""
        with self._lock:
            if trials >= LEAST and not self._loaded:
                self._loaded = True
                self._entries = _read(_path(self._url), self._url) | self._entries

    def result(self, trial_id: str, version: str) -> Result | None:
        """What the result of a trial says whose files are of this version; None where that is not known."""
        known, result = self._entries.get(trial_id, ("", None))
        return result if version and known == version else None

    def keep(self, found: Iterable[tuple[str, str, Result]]) -> None:
        """Trials that are sound: id, version and result. Those without a version are not kept."""
        with self._lock:
            for trial_id, version, result in found:
                if version and self._entries.get(trial_id, ("",))[0] != version:
                    self._entries[trial_id] = (version, result)
                    self._new += 1
            if LEAST <= len(self._entries) <= _MOST and self._new * _NEW >= len(self._entries):
                self._new = 0
                _write(_path(self._url), self._url, self._entries)


_ALL: dict[str, Known] = {}


def known(url: str) -> Known:
    """What this process knows of the folder at `url`, a path or URL without shortcuts."""
    return _ALL.setdefault(url, Known(url))


def _path(url: str) -> Path | None:
    try:
        name = hashlib.sha256(os.fsencode(url)).hexdigest()[:16]
        return folder() / f"results-{name}-v{_FORMAT}.gz"
    except InputError:
        return None


def _head(url: str) -> dict[str, Any]:
    return {"format": _FORMAT, "url": url}


def _read(path: Path | None, url: str) -> dict[str, tuple[str, Result]]:
    """What a file of ours says; of a damaged one nothing. gzip holds it against its checksum."""
    if path is None:
        return {}
    entries: dict[str, tuple[str, Result]] = {}
    shared = Shared()
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            if json.loads(file.readline()) != _head(url):
                return {}
            for line in file:
                trial_id, version, result = json.loads(line)
                entries[str(trial_id)] = (str(version), cast(Result, shared.once(result)))
                if len(entries) > _MOST:
                    return {}
        os.utime(path)  # it was of use: see `_prune`
    except (OSError, EOFError, zlib.error, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return entries


def _write(path: Path | None, url: str, entries: dict[str, tuple[str, Result]]) -> None:
    """Whole or not at all."""
    if path is None:
        return
    part = path.with_suffix(f".{uuid.uuid4().hex[:8]}.part")
    try:
        with gzip.open(part, "wt", compresslevel=1, encoding="ascii") as file:
            for line in (_head(url), *((i, version, result) for i, (version, result) in entries.items())):
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        part.replace(path)
        _prune(path.parent)
    except (OSError, ValueError):
        part.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Leave the files of the sweeps that were looked at last, and of those that are being written."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("results-*"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_SWEEPS:]:
            file.unlink(missing_ok=True)
