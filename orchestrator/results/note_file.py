"""The lock's note as a file that changes hands: made, taken over, kept up and removed, by one at a time.

On a disk it is made by a link and taken over by a rename, which happen once. In S3 by conditional writes: a
PUT that succeeds only where there is no such object (If-None-Match) or where it is still the version that was
looked at (If-Match), however late it arrives. Where storage has neither, the note is written, left for a
moment and read again: the last writer holds, everyone else sees another's note.

A write whose answer was lost, or came late, may have been done: what then lies there says so.
"""

import contextlib
import errno
import os
import time
from typing import cast

from orchestrator.results import bucket, json_file
from orchestrator.results.files import Files
from orchestrator.results.hold import BELIEVED, NAME, holder
from orchestrator.results.json_file import JsonObject
from orchestrator.results.patience import as_storage_error
from orchestrator.results.records import LockNote

#: Seconds between a bucket's note and its holder's first write: longer than another believes what it saw.
SETTLE = 2 * BELIEVED


class TakenError(Exception):
    """Another was quicker. `note`: whose it is."""

    def __init__(self, note: LockNote) -> None:
        super().__init__("another was quicker")
        self.note = note


class DiskNote:
    """The note of `token` in a folder on a disk."""

    def __init__(self, files: Files, token: str) -> None:
        self._files, self._token = files, token
        self._found: LockNote | None = None

    def look(self) -> LockNote | None:
        """The note that is there, whoever's; a damaged one comes back empty."""
        self._found = holder(self._files)
        return self._found

    def take(self, note: LockNote) -> None:
        """Put `note` where there was none, or in place of the one that was looked at. Raises TakenError."""
        if self._found is not None:
            self._take_away(self._found)
        # Written whole under a name of its own, then linked: a link is made once or not at all.
        temporary = f"{NAME}.{self._token[:8]}"
        self._files.write_json(temporary, note)
        try:
            os.link(self._files.path(temporary), self._files.path(NAME))
        except FileExistsError:
            raise TakenError(holder(self._files) or {}) from None
        except FileNotFoundError:  # the folder went away; written once more, it would be made again
            raise
        except OSError:  # a file system without links
            self._files.write_json(NAME, note)
        finally:
            self._files.remove(temporary)

    def keep(self, note: LockNote) -> None:
        """Write our own anew, while it is ours."""
        self._files.write_json(NAME, note)

    def remove(self) -> None:
        """Remove our own, while it is ours."""
        self._files.remove(NAME)

    def _take_away(self, dead: LockNote) -> None:
        """Remove a dead holder's note; of several who try, one succeeds. Raises TakenError."""
        aside = f"{NAME}.dead-{self._token[:8]}"
        try:
            os.rename(self._files.path(NAME), self._files.path(aside))
        except FileNotFoundError:
            return
        try:
            taken = cast(LockNote | None, self._files.read_json(aside))
        except ValueError:
            taken = {}
        if taken and taken.get("token") != dead.get("token"):
            # Another was quicker, and this is its note and not the dead one's: give it back.
            with contextlib.suppress(FileExistsError):
                os.link(self._files.path(aside), self._files.path(NAME))
            self._files.remove(aside)
            raise TakenError(taken)
        self._files.remove(aside)


class BucketNote:
    """The note of `token` in a bucket. `_version`: of what was looked at or written last; None of nothing."""

    def __init__(self, files: Files, token: str) -> None:
        self._files, self._token = files, token
        self._fs, self._path = files.fs, files.path(NAME)
        self._conditional = bucket.conditional(files.fs)
        self._version: str | None = None

    def look(self) -> LockNote | None:
        """The note that is there, whoever's; a damaged one comes back empty. Raises StorageError."""
        if not self._conditional:
            return holder(self._files)
        try:
            found = bucket.read_version(self._fs, self._path)
        except Exception as error:
            raise as_storage_error(error, self._files.url) from error
        self._version = None if found is None else found[1]
        if found is None:
            return None
        try:
            return cast(LockNote, json_file.parse(found[0]))
        except ValueError:
            return {}

    def take(self, note: LockNote) -> None:
        """Put `note` where there was none, or in place of the version that was looked at. Raises TakenError,
        StorageError."""
        self.keep(note)
        time.sleep(SETTLE)
        there = self.look()
        if not self._ours(there):
            raise TakenError(there or {})

    def keep(self, note: LockNote) -> None:
        """Write our own anew. Raises TakenError where it is another's by now, StorageError where it may be
        either."""
        data, before = json_file.encode(cast(JsonObject, note)), self._version
        if not self._conditional:
            self._files.write(NAME, data)
            return None
        try:
            self._version = bucket.write_version(self._fs, self._path, data, before)
        except Exception as error:
            if getattr(error, "errno", None) == errno.ENOSYS:
                self._conditional = False
                return self.keep(note)
            there = self.look()
            if not self._ours(there):
                if self._version == before:
                    raise as_storage_error(error, self._files.url) from error
                self._version = before  # and what is another's is never written over
                raise TakenError(there or {}) from None

    def remove(self) -> None:
        """Remove our own; one that came between stays."""
        if self._conditional and self._version is not None:
            bucket.remove_version(self._fs, self._path, self._version)
        else:
            self._files.remove(NAME)

    def _ours(self, note: LockNote | None) -> bool:
        return note is not None and note.get("token") == self._token
