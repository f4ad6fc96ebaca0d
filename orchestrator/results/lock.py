"""One driver for one results folder: the second says who holds it and stops.

Two drivers would train the same trials twice and write over each other. The holder's note, `lock.json`,
says who holds the folder, and beats while it is held. A dead holder's note is taken over: at once where
the process can be seen to be gone, else after the note has been watched for longer than a beat. It is
watched, and its time not believed, because clocks differ between hosts and go back. So a driver that was
killed on one host and is started on another waits for half a minute and goes on.

A note that is another's, or is there no more, says that the folder is lost: see `hold`. How a note changes
hands: `note_file`.
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
from typing import Self

from model.errors import InputError
from orchestrator.cli import called
from orchestrator.results.files import Files
from orchestrator.results.hold import check_held, hold, holder, who
from orchestrator.results.note_file import BucketNote, DiskNote, TakenError
from orchestrator.results.records import LockNote
from orchestrator.results.storage_errors import LostError

BEAT = 10.0  # seconds
_WATCH = 25.0  # seconds without a beat after which a holder that cannot be seen is dead
_LOOK = 1.0  # seconds between two looks of who watches
_FRESH = 45.0  # seconds; a note this young is believed by who only wants to tell of it
_HELD: set[str] = set()  # tokens of this process's own locks


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
        self._place = (DiskNote if files.local else BucketNote)(files, self.token)

    def __enter__(self) -> Self:
        _HELD.add(self.token)
        self.take()
        hold(self._files, self.token)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.give_back()
        self._files.check_held = None

    def take(self) -> None:
        """Become the holder. Raises InputError where another is, and lives, or is quicker."""
        note = self._place.look()
        if note is not None and _alive(self._place.look, note):
            raise InputError(
                f"{self._files.url} is in use by {who(note)}. Wait for it or stop it; "
                f"`{called('orchestrator.status')}` shows what it does."
            )
        try:
            self._place.take(self._current())
        except TakenError as taken:
            raise InputError(f"{self._files.url} was taken at this moment by {who(taken.note)}.") from None

    def beat(self) -> None:
        """Say that it is held still. Raises LostError where another has it by now, StorageError."""
        self._note["beat"] += 1
        self.check()
        try:
            self._place.keep(self._current())
        except TakenError:
            self.check()

    def give_back(self) -> None:
        """The next may have it. A note that stays is a dead process's, and taken over."""
        _HELD.discard(self.token)
        with contextlib.suppress(Exception):
            self.check()
            self._place.remove()

    @property
    def token(self) -> str:
        """By which the note is known as this lock's."""
        return self._note["token"]

    def check(self) -> None:
        """Raises LostError where another run has the folder now, StorageError where it is gone."""
        check_held(self._files, self.token)

    def _current(self) -> LockNote:
        return {**self._note, "time": time.time(), "running": list(self.running())}

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            try:
                self.beat()
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


def _alive(look: Callable[[], LockNote | None], note: LockNote) -> bool:
    """Whether the holder lives, watched where its process cannot be seen; `look` gives its note anew."""
    if (seen := _seen(note)) is not None:
        return seen
    end = time.monotonic() + _WATCH
    while time.monotonic() < end:
        time.sleep(_LOOK)
        now = look()
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
