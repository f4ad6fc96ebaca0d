"""Which pack comes next, and on which GPU: asked by every worker when it starts, thread or Ray actor.

Tune starts trials that wait for a reused worker in no order (it pops a set), and after an interrupt it
still starts those that it had staged; Ray puts fractions of GPUs on the first GPU that has room. Asking
here keeps the longest pack first, lets nothing begin after an interrupt, and spreads packs over GPUs.

A pack whose trials start from others' weights is not given before those are trained. Whoever asks
meanwhile, and finds nothing else, waits in its place: it is needed soon. It also takes over the pack of a
worker that was lost, whose own place may be gone with its machine.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from orchestrator.execution.assignment import Assignment
from orchestrator.planning.order import After, Queue

#: What a worker is told that has to ask again: there may be a pack for it when another has ended.
LATER: Final = "later"

Taken = tuple[int, Assignment]


class Dispatcher:
    """Packs by the name of who asks. One that asks again, after a loss, gets the pack that it had.

    `after`: for each pack those that have to be trained before it.
    """

    def __init__(self, assignments: Sequence[Assignment], after: After = ()) -> None:
        self._assignments = list(assignments)
        self._queue = Queue(len(self._assignments), after)
        self._given: dict[str, int] = {}
        self._gpus: dict[str, tuple[str, int]] = {}
        self._stopped = False

    def take(self, asker: str, node: str = "", gpus: int = 0) -> Taken | Literal["later"] | None:
        """The next pack for `asker`, who sees `gpus` GPUs on `node`; None after `stop` or the last."""
        if self._stopped:
            return None
        index = self._given[asker] if asker in self._given else self._queue.take()
        if index is None:
            return LATER if self._queue.waits else None
        self._given[asker] = index
        assignment = self._assignments[index]
        if gpus > 1:
            self.release(asker)
            used = Counter(gpu for where, gpu in self._gpus.values() if where == node)
            gpu = min(range(gpus), key=lambda number: (used[number], number))
            self._gpus[asker] = (node, gpu)
            assignment = replace(assignment, device=f"cuda:{gpu}")
        return index, assignment

    def release(self, asker: str) -> None:
        """Its share of a GPU is free."""
        self._gpus.pop(asker, None)

    def ended(self, asker: str, *, trained: bool) -> None:
        """The pack of `asker` has ended for good. Those that wait for it begin where it is `trained`, and
        never where it is not."""
        if (index := self._given.get(asker)) is not None:
            self._queue.ended(index, well=trained)

    def lost(self, asker: str) -> None:
        """The worker of `asker` has ended before its pack: where others wait in their places, one of them
        takes it."""
        if self._queue.waits and (index := self._given.pop(asker, None)) is not None:
            self.release(asker)
            self._queue.put_back(index)

    def stop(self) -> None:
        self._stopped = True
