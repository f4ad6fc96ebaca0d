"""Which pack comes next, and on which GPU: asked by every worker when it starts, thread or Ray actor.

Tune starts trials that wait for a reused worker in no order (it pops a set), and after an interrupt it
still starts those that it had staged; Ray puts fractions of GPUs on the first GPU that has room. Asking
here keeps the longest pack first, lets nothing begin after an interrupt, and spreads packs over GPUs.

A pack whose trials start from others' weights is not given before those are trained. Whoever asks
meanwhile, and finds nothing else, waits in its place: it is needed soon. It also takes over the pack of a
worker that was lost, whose own place may be gone with its machine.

Packs that share a GPU share a process, and what one of them breaks there all lose. A pack that has been lost
twice may be the one, and gets a process of its own.

A node that cannot compute takes no packs and keeps its place, or it would be given the next one at once.
Where all others are idle and packs are left, it is let go, so that Ray may place it anew. Where for long
nobody at all has trained, it is no single node's trouble.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Literal

from orchestrator.execution.assignment import Assignment
from orchestrator.planning.order import After, Queue

#: What a worker is told that has to ask again: there may be a pack for it when another has ended.
LATER: Final = "later"

Taken = tuple[int, Assignment]
#: What a worker is told whose node is left out: stay; there is nothing left to train; be placed anew; or
#: nobody has trained anything in all that time.
Verdict = Literal["stay", "over", "leave", "alone"]

#: Seconds in which nobody trains while packs are left, before a left-out worker is let go.
_IDLE = 30.0
#: How much longer than from the beginning is waited where machines have trained before: lost spot machines
#: come back.
_TRAINED_BEFORE = 4
#: Times that a pack ends before its time until it trains in a process of its own.
_LOSSES = 2


class Dispatcher:
    """Packs by the name of who asks. One that asks again, after a loss, gets the pack that it had.

    `after`: for each pack those that have to be trained before it. `alone`: seconds after which a node that
    is left out is told that nobody trains; longer where anybody has.
    """

    def __init__(
        self,
        assignments: Sequence[Assignment],
        after: After = (),
        alone: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._assignments = list(assignments)
        self._queue = Queue(len(self._assignments), after)
        self._given: dict[str, int] = {}
        self._gpus: dict[str, tuple[str, int]] = {}
        self._broken: dict[str, set[int]] = {}
        self._losses = Counter[int]()
        self._stopped = False
        self._clock, self._alone, self._idle = clock, alone, min(_IDLE, alone or _IDLE)
        self._at_work: set[str] = set()
        self._worked = False
        self._idle_since = clock()
        self._trouble_since: float | None = None

    def take(self, asker: str, node: str = "", gpus: int = 0) -> Taken | Literal["later"] | None:
        """The next pack for `asker`, who sees `gpus` GPUs on `node`; None after `stop` or the last."""
        if self._stopped:
            return None
        index = self._given[asker] if asker in self._given else self._queue.take()
        if index is None:
            return LATER if self._queue.waits else None
        self._given[asker] = index
        self._at_work.add(asker)
        assignment = self._assignments[index]
        if gpus > 1:
            self.release(asker)
            used = Counter(gpu for where, gpu in self._gpus.values() if where == node)
            broken = self._broken.get(node, set())
            gpu = min(range(gpus), key=lambda number: (number in broken, used[number], number))
            self._gpus[asker] = (node, gpu)
            assignment = replace(assignment, gpu=gpu)
        if self._losses[index] >= _LOSSES:
            assignment = replace(assignment, beside_others=False)
        return index, assignment

    def release(self, asker: str) -> None:
        """Its share of a GPU is free."""
        self._gpus.pop(asker, None)

    def ended(self, asker: str, *, trained: bool) -> None:
        """The pack of `asker` has ended for good. Those that wait for it begin where it is `trained`, and
        never where it is not."""
        self._rests(asker)
        self._worked, self._trouble_since = True, None
        if (index := self._given.get(asker)) is not None:
            self._queue.ended(index, well=trained)

    def lost(self, asker: str) -> None:
        """The worker of `asker` has ended before its pack: where others wait in their places, one of them
        takes it."""
        self._rests(asker)
        self._trouble_since = None
        if asker in self._given:
            self._losses[self._given[asker]] += 1
        if self._queue.waits and (index := self._given.pop(asker, None)) is not None:
            self.release(asker)
            self._queue.put_back(index)

    def leave_out(self, asker: str, *, gpu: bool = True, worked: bool = False) -> None:
        """The node of `asker`, or its GPU there (`gpu`), cannot compute: its pack is for another.

        `worked`: the pack has got on there before that.
        """
        if gpu and (place := self._gpus.get(asker)) is not None:
            self._broken.setdefault(place[0], set()).add(place[1])
        self.release(asker)
        self._rests(asker)
        if worked or self._trouble_since is None:
            self._worked, self._trouble_since = self._worked or worked, self._clock()
        if (index := self._given.pop(asker, None)) is not None:
            self._queue.put_back(index)

    def left_out(self) -> Verdict:
        """What a worker on such a node is to do now."""
        if self._stopped or not (self._queue.ready or self._queue.waits or self._at_work):
            return "over"
        if self._at_work:
            return "stay"
        now = self._clock()
        if self._trouble_since is None:
            self._trouble_since = now
        if now - self._trouble_since >= self._alone * (_TRAINED_BEFORE if self._worked else 1):
            return "alone"
        return "leave" if self._queue.ready and now - self._idle_since > self._idle else "stay"

    def _rests(self, asker: str) -> None:
        if asker in self._at_work:
            self._at_work.remove(asker)
            self._idle_since = self._clock()

    def stop(self) -> None:
        self._stopped = True

    def stopping(self) -> bool:
        """Whether packs are to end."""
        return self._stopped
