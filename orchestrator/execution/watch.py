"""Beside a pack on a Ray worker: whether the sweep is to end, or this machine, before the pack has.

Ray lets nobody into a function that trains, so a thread asks. The driver is asked, through the dispatcher,
where a pack has said nothing for long: one with short epochs hears of the end when it reports. Neither
question may hold up training or fail it: what cannot be asked now is asked again.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

from orchestrator.cluster.spot.notice import MetadataService, Notice
from orchestrator.execution.left_out import NodeTrouble
from orchestrator.execution.signals import MOMENT

#: Seconds between two looks. Of a notice Amazon recommends as many.
_LOOK = 5.0
#: Seconds without a word of a pack before the dispatcher is asked: thousands of workers ask one.
_LONG = 10.0
#: Seconds before a machine's end by which a pack must have ended, to save and to be told: of the two minutes
#: that a notice leaves.
_RESERVE = 45.0


def no_service() -> None:
    """Nothing tells of the end of this machine."""


class Watch:
    """A context manager. `stopping`: asks whether the sweep is to end. `service`: finds what tells of this
    machine's end."""

    def __init__(self, stopping: Callable[[], bool], service: Callable[[], MetadataService | None]) -> None:
        self._stopping, self._find_service = stopping, service
        self._service: MetadataService | None = None
        self._notice: Notice | None = None
        self._until: float | None = None
        self._heard = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def heard(self) -> None:
        """The pack has said something."""
        self._heard = time.monotonic()

    def until(self) -> float | None:
        """See `leaving.Until`."""
        return self._until

    def trouble(self) -> NodeTrouble | None:
        """What to say of a machine that is about to end, None of another. Where one that was hibernated comes
        back, Ray has given up on it."""
        if self._notice is None:
            return None
        return NodeTrouble(f"left out: node {socket.gethostname()}: {self._notice}", worked=True)

    def look(self) -> None:
        """Ask once."""
        with contextlib.suppress(Exception):
            notice = self._service.notice() if self._service is not None else None
            if notice is not None and self._notice is None:
                self._notice = notice
                self._ends_in(notice.seconds_left - _RESERVE)
        with contextlib.suppress(Exception):
            if time.monotonic() - self._heard > _LONG and self._until is None and self._stopping():
                self._ends_in(MOMENT)

    def _run(self) -> None:
        with contextlib.suppress(Exception):  # or nobody would hear of the driver's end either
            self._service = self._find_service()
        self.look()
        while not self._over.wait(_LOOK):
            self.look()

    def _ends_in(self, seconds: float) -> None:
        by = time.monotonic() + seconds
        self._until = by if self._until is None else min(self._until, by)
