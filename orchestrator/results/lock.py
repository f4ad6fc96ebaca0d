"""One driver for one results folder: the second says who holds it and stops.

Two drivers would train the same trials twice and write over each other. The holder's note, `lock.json`,
says who holds the folder, and beats while it is held. A dead holder's note is taken over: at once where
the process can be seen to be gone, else after the note has been watched for longer than a beat. It is
watched, and its time not believed, because clocks differ between hosts and go back.

A note that is another's, or is there no more, says that the folder is lost: see `hold`.

On a disk the note is created exclusively. In a bucket, where nothing is exclusive everywhere, it is
written, left for a moment and read again: the last writer holds, everyone else sees another's note.
"""

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, cast

from model.errors import InputError
from orchestrator.cli import called
from orchestrator.results.files import Files
from orchestrator.results.hold import NAME, check_held, hold, holder, who
from orchestrator.results.records import LockNote
from orchestrator.results.storage_errors import LostError

BEAT = 10.0  # seconds
_WATCH = 25.0  # seconds without a beat after which a holder that cannot be seen is dead
_FRESH = 45.0  # seconds; a note this young is believed without watching
_HELD: set[str] = set()  # tokens of this process's own locks
_SETTLE = 1.0  # seconds for a bucket's writers to have written


class Lock:
    """Holds a results folder while the block runs. Raises InputError where another holds it.

    `running`: ids of the trials that run now, for `orchestrator.status`; `lost`: called with a sentence
    if somebody else takes the folder over (this process was suspended for long, say).
    """

    def __init__(
        self,
        files: Files,
        command: str,
        *,
        running: Callable[[], Sequence[str]] = tuple,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._files = files
        self.running, self.lost = running, lost
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lock", daemon=True)
        self._note: LockNote = {
            "token": uuid.uuid4().hex,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": _process(os.getpid()),
            "machine": _machine(),
            "command": command,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "beat": 0,
        }

    def __enter__(self) -> Self:
        _HELD.add(self.token)
        note = holder(self._files)
        if note is not None:
            self._refuse_living(note)
            self._take_away(note)
        self._create()
        hold(self._files, self.token)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        _HELD.discard(self.token)
        with contextlib.suppress(Exception):  # a note that stays is a dead process's, and taken over
            self.check()
            self._files.remove(NAME)
        self._files.check_held = None

    @property
    def token(self) -> str:
        """By which the note is known as this lock's."""
        return self._note["token"]

    def check(self) -> None:
        """Raises LostError where another run has the folder now, StorageError where it is gone."""
        check_held(self._files, self.token)

    def _refuse_living(self, note: LockNote) -> None:
        if _alive(self._files, note):
            raise InputError(
                f"{self._files.url} is in use by {who(note)}. Wait for it or stop it; "
                f"`{called('orchestrator.status')}` shows what it does."
            )

    # -- the note ----------------------------------------------------------------------------------

    def _current(self) -> LockNote:
        return {**self._note, "time": time.time(), "running": list(self.running())}

    def _create(self) -> None:
        if self._files.local:
            self._create_exclusively()
            return
        self._files.write_json(NAME, self._current())
        time.sleep(_SETTLE)
        if not self._mine():
            other = holder(self._files) or {}
            raise InputError(f"{self._files.url} was taken at this moment by {who(other)}.")

    def _create_exclusively(self) -> None:
        path = Path(self._files.path(NAME))
        # Written whole under a name of its own, then linked: a link is made once or not at all.
        temporary = f"{NAME}.{self._note['token'][:8]}"
        self._files.write_json(temporary, self._current())
        try:
            os.link(self._files.path(temporary), path)
        except FileExistsError:
            other = holder(self._files) or {}
            raise InputError(f"{self._files.url} was taken at this moment by {who(other)}.") from None
        except FileNotFoundError:  # the folder went away; written once more, it would be made again
            raise
        except OSError:  # a file system without links
            self._files.write_json(NAME, self._current())
        finally:
            self._files.remove(temporary)

    def _take_away(self, note: LockNote) -> None:
        """Remove a dead holder's note; of several who try, one succeeds."""
        if not self._files.local:
            return  # written over by `_create`
        aside = f"{NAME}.dead-{self._note['token'][:8]}"
        try:
            os.rename(self._files.path(NAME), self._files.path(aside))
        except FileNotFoundError:
            return
        try:
            taken = cast(LockNote | None, self._files.read_json(aside))
        except ValueError:
            taken = {}
        if taken and taken.get("token") != note.get("token"):
            # Another was quicker, and this is its note and not the dead one's: give it back.
            with contextlib.suppress(FileExistsError):
                os.link(self._files.path(aside), self._files.path(NAME))
            self._files.remove(aside)
            raise InputError(f"{self._files.url} was taken at this moment by {who(taken)}.")
        self._files.remove(aside)

    def _mine(self) -> bool:
        note = holder(self._files)
        return note is not None and note.get("token") == self.token

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            self._note["beat"] += 1
            try:
                self.check()
                self._files.write_json(NAME, self._current())
            except LostError as error:
                self.lost(str(error))
                return
            except Exception:  # storage that is away comes back, or is told by a worker
                continue


def is_held(files: Files) -> LockNote | None:
    """The note of a holder that is alive as far as can be told without waiting."""
    note = holder(files)
    if not note or (seen := _seen(note)) is False:
        return None
    return note if seen or _fresh(note) else None


def _alive(files: Files, note: LockNote) -> bool:
    if (seen := _seen(note)) is not None:
        return seen
    if _fresh(note):
        return True
    end = time.monotonic() + _WATCH
    while time.monotonic() < end:
        time.sleep(1.0)
        now = holder(files)
        if now is None:
            return False
        if (now.get("token"), now.get("beat")) != (note.get("token"), note.get("beat")):
            return True
    return False


def _seen(note: LockNote) -> bool | None:
    """Whether the holder's process lives, where it is of this machine and can be seen; else None."""
    if not note:
        return False  # damaged: it was never written whole by a process that lives
    if note.get("machine") != _machine() or note.get("machine") is None:
        return None
    pid = note.get("pid")
    if pid == os.getpid() and note.get("token") not in _HELD:
        return False  # of this very process, which could not remove it
    return isinstance(pid, int) and _process(pid) is not None and _process(pid) == note.get("process")


def _fresh(note: LockNote) -> bool:
    beat = note.get("time")
    return isinstance(beat, (int, float)) and abs(time.time() - beat) < _FRESH


def _machine() -> str | None:
    """This boot of this machine and its process numbering, so that a process can be looked up; else None."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _process(pid: int) -> str | None:
    """When a process started, to tell it from a later one of its number; None where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
