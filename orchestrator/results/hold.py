"""Whether a run still holds its results folder: asked before everything that it writes.

A driver that is suspended for longer than the lease of its lock (`orchestrator.results.lock`) knows nothing
of it when it comes back, nor do its workers: another run took over meanwhile, and perhaps finished and left.
So the note in the folder is looked at, and a note that is gone is as good as another's. Between the look and
the write a moment is left; what is finished is out of its reach, for results are written once.

The note also tells the folder from another at its place: where a disk is unmounted, an empty one is left.
"""

import json
import threading
import time
from typing import cast

from orchestrator.cli import called
from orchestrator.results.files import Files
from orchestrator.results.records import LockNote
from orchestrator.results.storage_errors import LostError, StorageError

#: The note of the run that holds the folder.
NAME = "lock.json"
#: Seconds for which a bucket's answer is believed: a pack writes its files one after another.
BELIEVED = 1.0
_LOOKS = 10


def holder(files: Files) -> LockNote | None:
    """The note of whoever holds the folder, dead or alive; a damaged one comes back empty."""
    try:
        return cast(LockNote | None, files.read_json(NAME))
    except ValueError:
        return {}


def check_held(files: Files, token: str) -> None:
    """Raises LostError where the run of that token no longer holds it, StorageError where storage is gone."""
    note = holder(files)
    if note is not None and note.get("token") == token:
        return
    if note is None:
        _check_sweep(files)
    by = "another run took it over and has ended" if note is None else f"it was taken over by {who(note)}"
    raise LostError(
        f"{files.url}: {by}. This run, which had not been heard of for long, stops and writes nothing more; "
        f"`{called('orchestrator.status')} {files.url}` shows how the sweep stands."
    )


def hold(files: Files, token: str) -> None:
    """From now on `files` writes only while the run of that token holds the folder."""
    look = Files(files.url)  # one look, without the other's patience
    believed = -BELIEVED

    def check() -> None:
        nonlocal believed
        for _ in range(_LOOKS):
            begun = time.time()
            if 0 <= begun - believed < BELIEVED:
                return
            check_held(look, token)
            believed = begun  # an answer that comes late may be true no longer: then it is looked at again
        raise StorageError(f"{files.url}: no answer within {BELIEVED:g} s, {_LOOKS} times")

    def in_turn() -> None:
        with one_at_a_time:  # of threads that write side by side one asks, and all believe the answer
            check()

    one_at_a_time = threading.Lock()
    files.check_held = (lambda: check_held(look, token)) if look.local else in_turn


def beside_sweep(files: Files) -> None:
    """From now on `files` writes only where a sweep lies, whoever holds it."""
    look = Files(files.url)
    files.check_held = lambda: _check_sweep(look)


def _check_sweep(files: Files) -> None:
    if not files.exists("sweep.json"):
        raise StorageError(f"{files.url}: the results folder is gone")


def who(note: LockNote) -> str:
    """The holder in words."""
    return (
        f"process {note.get('pid', '?')} on {note.get('host', '?')} since {note.get('started', '?')} "
        f"({json.dumps(note.get('command', '?'), ensure_ascii=False)})"
    )
