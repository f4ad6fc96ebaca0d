"""What a run takes beside training, taken from what its listener hears."""

import time
from collections import deque
from collections.abc import Callable
from statistics import median

from orchestrator.execution.events import EpochEnd, Listener

_MOST = 1000  # of each kind; a long sweep has as many again


class Stopwatch:
    """A Listener that passes everything on. `slots`: packs at a time, so many of which are the first.

    A worker's first pack waits for torch and the data, which counts as the run's start.
    """

    def __init__(self, listener: Listener, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._listener, self._slots, self._clock = listener, slots, clock
        self._begun = clock()
        self._since: dict[int, float] = {}  # of a running pack: what its next epoch is reckoned from
        self._own: dict[int, float] = {}  # of a running pack: seconds beside training, those of epochs apart
        self._first: set[int] = set()
        self._ended: deque[float] = deque(maxlen=slots)
        self._starts: list[float] = []
        self._packs: deque[float] = deque(maxlen=_MOST)
        self._epochs: deque[float] = deque(maxlen=_MOST)

    @property
    def measured(self) -> dict[str, float]:
        """Seconds by part, medians, as `planning.wall_clock.Overheads` has them; of those there were."""
        parts = {"start": self._starts, "pack": self._packs, "epoch": self._epochs}
        return {part: median(values) for part, values in parts.items() if values}

    @property
    def running(self) -> int:
        return self._listener.running

    def started(self, index: int) -> None:
        now = self._clock()
        if len(self._first) < self._slots:
            self._first.add(index)
            self._since[index] = self._begun
        else:
            self._since[index] = self._ended.popleft() if self._ended else now
        self._listener.started(index)

    def epoch(self, index: int, event: EpochEnd) -> None:
        now = self._clock()
        if (since := self._since.get(index)) is not None:
            beside = now - since - next(iter(event.replicas.values()))["seconds"]
            if beside < 0:  # an epoch that an earlier run began, whose seconds it has too
                self._first.add(index)
            elif index in self._own:
                self._epochs.append(beside)
            elif index in self._first:
                self._starts.append(beside)
            self._own.setdefault(index, max(0.0, beside))
            self._since[index] = now
        self._listener.epoch(index, event)

    def warned(self, index: int, warning: str) -> None:
        self._listener.warned(index, warning)

    def finished(self, index: int) -> None:
        now = self._clock()
        since, own = self._since.pop(index, None), self._own.pop(index, None)
        if since is not None and own is not None and index not in self._first:
            self._packs.append(own + now - since)
        self._ended.append(now)
        self._listener.finished(index)

    def stopped(self, index: int) -> None:
        self._leave(index)
        self._listener.stopped(index)

    def retrying(self, index: int, error: str) -> None:
        self._leave(index)
        self._listener.retrying(index, error)

    def failed(self, index: int, error: str) -> None:
        self._leave(index)
        self._listener.failed(index, error)

    def _leave(self, index: int) -> None:
        """It ended in another way than usual, and is not timed."""
        self._since.pop(index, None)
        self._own.pop(index, None)
        self._ended.append(self._clock())
