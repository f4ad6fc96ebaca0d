"""Packs on their way to their first replay, so that those that begin together all replay after the last.

A start is timed by cuDNN's search, and waits for the device: beside packs that replay, kernels are timed
under a load that is chance, and every wait stands behind what those have queued. So a pack whose start is
over waits for those that had begun by then. It holds nothing meanwhile, and who comes later, or replays
already, is neither waited for nor waits: a pack that takes the place of one that has ended delays nobody.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds that a pack waits at most. Ten take about as many to start; one that waits for its storage, or
#: fetches its data, is not worth a GPU that rests.
_MOST = 60.0
_LOOK = 0.1  # seconds between two looks whether to leave


class Start:
    """The start of one pack on a device, which is over when it says so, or when its block ends."""

    def __init__(self, starts: "Starts", device: str) -> None:
        self._starts, self.device = starts, device

    def over(self) -> None:
        """Whoever waits for it goes on. May be said again."""
        self._starts.end(self)


class Starts:
    """The starts that are under way in a process, of a thread one at most."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: set[Start] = set()
        self._own = threading.local()

    @contextmanager
    def begun(self, device: str) -> Iterator[Start]:
        """What this thread does from here on is to start a pack on `device`: until `all_over`, or the end of
        the block."""
        start = self._own.start = Start(self, device)
        with self._changed:
            self._under_way.add(start)
        try:
            yield start
        finally:
            start.over()
            self._own.start = None

    def end(self, start: Start) -> None:
        """It is over. May be said again."""
        with self._changed:
            self._under_way.discard(start)
            self._changed.notify_all()

    def all_over(self, leave: Callable[[], bool]) -> None:
        """This thread's pack could replay now: wait for those that are still under way on its device, unless
        `leave`, which is asked now and then. A thread that has begun none waits for nobody."""
        own: Start | None = getattr(self._own, "start", None)
        if own is None:
            return
        with self._changed:
            if own not in self._under_way:
                return
            own.over()
            others = {start for start in self._under_way if start.device == own.device}
        if not others:
            return
        end = time.monotonic() + _MOST
        while not leave() and time.monotonic() < end:
            with self._changed:
                if self._changed.wait_for(lambda: others.isdisjoint(self._under_way), _LOOK):
                    return


#: The process's starts.
STARTS = Starts()
