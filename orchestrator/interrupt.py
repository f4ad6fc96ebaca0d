"""Ctrl-C and SIGTERM: the first asks, the second insists.

A sweep must never be told finished when it was interrupted, so the signal that came is remembered here
and decides the exit code (130 for SIGINT, 143 for SIGTERM), whatever the executor thinks of it.
"""

import os
import signal
import sys
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """A context manager around a run; `requested` turns true at the first signal."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        return 128 + (self.signal or 0)

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            # Everything finished is on disk by now; Ray's local processes die with this one.
            sys.stderr.write("\nStopped at once. Epochs that were finished are saved.\n")
            sys.stderr.flush()
            os._exit(128 + number)
        self.signal = number
