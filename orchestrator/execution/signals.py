"""Ctrl-C, SIGTERM and what else ends a run early: the first asks, the second insists.

A sweep must never be told finished when it was not, so what came is remembered here and decides the
exit code (130 for SIGINT, 143 for SIGTERM, 1 for trouble, 3 for a limit), whatever the executor thinks of it.

The second ends a command's process. A notebook's process holds what somebody computed, and goes on.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

import psutil

#: Seconds for which an epoch may go on that somebody wants to end: most are over by then, and who waits has
#: patience for that and for saving, `ray job stop` 120 seconds with our cluster file, our Slurm job 270.
MOMENT = 20.0
STOPPING = (
    "Stopping: every running pack ends with its epoch, or within it where the rest would take over "
    f"{MOMENT:.0f} seconds; what it has is saved. Ctrl-C again stops at once."
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupt:
    """A context manager around a run; `requested` turns true at the first signal or trouble.

    `ends_process`: what the second signal does; else it raises KeyboardInterrupt. Only a main thread is sent
    signals.
    """

    def __init__(self, *, ends_process: bool = True) -> None:
        self._ends_process = ends_process
        self.signal: int | None = None
        self.trouble: str | None = None
        self.limit: str | None = None  # of this run's own, that was reached
        self._until: float | None = None
        self._before: dict[int, Handler] = {}

    @property
    def requested(self) -> bool:
        return self.signal is not None or self.trouble is not None or self.limit is not None

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 1 if self.trouble is not None else 3

    def until(self) -> float | None:
        """See `leaving.Until`: from when this was first asked after the request."""
        if self._until is None and self.requested:
            self._until = time.monotonic() + MOMENT
        return self._until

    def abort(self, trouble: str) -> None:
        """End the run, at the epochs' ends or soon, because of `trouble`, a sentence for the user."""
        self.trouble = self.trouble or trouble

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None and not self._ends_process:
            raise KeyboardInterrupt
        if self.signal is not None:
            # Everything finished is on disk by now. Ray's helpers outlive a driver that just goes.
            kill_descendants()
            if sys.stdout.isatty():
                sys.stdout.write("\x1b[?25h")  # the live display had hidden the cursor
                sys.stdout.flush()
            sys.stderr.write("\nStopped at once. Epochs that were finished are saved.\n")
            sys.stderr.flush()
            os._exit(128 + number)
        self.signal = number
        if not sys.stdout.isatty():  # in a log nothing else would say so before the next epoch's end
            os.write(2, f"{STOPPING}\n".encode())


def kill_descendants() -> None:
    """Kill every process that this one has started, and theirs."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()
