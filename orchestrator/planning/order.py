"""In which order packs go to workers where some have to wait for others, and how long all take. Pure.

Packs are known by their numbers.
"""

import heapq
from collections.abc import Callable, Collection, Sequence

#: For each pack those that have to end before it begins.
After = Sequence[Collection[int]]


class Queue:
    """Numbers in order, of which some come only when others have ended.

    What waits for one that ended badly never comes.
    """

    def __init__(self, count: int, after: After = ()) -> None:
        self._unmet = {number: len(before) for number, before in enumerate(after) if before}
        self._next: dict[int, list[int]] = {}
        for number, before in enumerate(after):
            for other in before:
                self._next.setdefault(other, []).append(number)
        self._ready = [number for number in range(count) if number not in self._unmet]  # sorted: a heap

    @property
    def ready(self) -> bool:
        """Whether there are any that may begin."""
        return bool(self._ready)

    @property
    def waits(self) -> bool:
        """Whether there are any that wait for others and may still come."""
        return bool(self._unmet)

    def take(self) -> int | None:
        """The first that may begin; None where there is none, or none yet."""
        return heapq.heappop(self._ready) if self._ready else None

    def put_back(self, number: int) -> None:
        heapq.heappush(self._ready, number)

    def ended(self, number: int, *, well: bool = True) -> None:
        """That one has ended: what waited for it may begin, or is given up where it did not end `well`."""
        for other in self._next.pop(number, ()):
            if other not in self._unmet:
                continue
            self._unmet[other] -= 1
            if not well:
                del self._unmet[other]
                self.ended(other, well=False)
            elif not self._unmet[other]:
                del self._unmet[other]
                self.put_back(other)


def longest_first(seconds: Sequence[float], after: After) -> list[int]:
    """By the time from a pack's beginning to the end of the last that waits for it, the longest first; of
    equals those that others wait for, then in the order given."""
    waiting: dict[int, list[int]] = {}
    for number, before in enumerate(after):
        for other in before:
            waiting.setdefault(other, []).append(number)
    known: dict[int, tuple[float, int]] = {}

    def rest(number: int) -> tuple[float, int]:
        """Seconds, and how many stand one behind another."""
        if number not in known:
            behind = [rest(other) for other in waiting.get(number, ())]
            longest, deepest = (max(values) for values in zip((0.0, 0), *behind, strict=True))
            known[number] = (seconds[number] + longest, 1 + int(deepest))
        return known[number]

    return sorted(range(len(seconds)), key=lambda number: [-part for part in rest(number)])


def makespan(
    seconds: Sequence[float],
    slots: int,
    after: After = (),
    speed: Callable[[int], float] = lambda running: 1.0,
) -> float:
    """Wall-clock seconds of these packs, each to the first of `slots` workers that is free: in this order,
    but for those that have to wait.

    `seconds`: of each alone. `speed`: of each, beside that, while so many run.
    """
    running: list[tuple[float, int]] = []  # by what all that run have done when that one ends
    queue, now, done = Queue(len(seconds), after), 0.0, 0.0
    while True:
        while len(running) < max(1, slots) and (number := queue.take()) is not None:
            heapq.heappush(running, (done + seconds[number], number))
        if not running:
            return now
        at_once = len(running)
        end, number = heapq.heappop(running)
        now += (end - done) / speed(at_once)
        done = end
        queue.ended(number)
