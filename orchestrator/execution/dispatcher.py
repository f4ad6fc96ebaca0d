"""Which pack comes next, and on which GPU: asked by every worker when it starts, thread or Ray actor.

Tune starts trials that wait for a reused worker in no order (it pops a set), and after an interrupt it
still starts those that it had staged; Ray puts fractions of GPUs on the first GPU that has room. Asking
here keeps the longest pack first, lets nothing begin after an interrupt, and spreads packs over GPUs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from orchestrator.execution.assignment import Assignment


class Dispatcher:
    """Packs by the name of who asks. One that asks again, after a loss, gets the pack that it had."""

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        self._assignments = list(assignments)
        self._given: dict[str, int] = {}
        self._gpus: dict[str, tuple[str, int]] = {}
        self._stopped = False

    def take(self, asker: str, node: str = "", gpus: int = 0) -> tuple[int, Assignment] | None:
        """The next pack for `asker`, who sees `gpus` GPUs on `node`; None after `stop` or the last."""
        if self._stopped:
            return None
        index = self._given.setdefault(asker, len(self._given))
        if index >= len(self._assignments):
            return None
        assignment = self._assignments[index]
        if gpus > 1:
            self.release(asker)
            used = Counter(gpu for where, gpu in self._gpus.values() if where == node)
            gpu = min(range(gpus), key=lambda number: (used[number], number))
            self._gpus[asker] = (node, gpu)
            assignment = replace(assignment, device=f"cuda:{gpu}")
        return index, assignment

    def release(self, asker: str) -> None:
        """The pack has ended; its share of a GPU is free."""
        self._gpus.pop(asker, None)

    def stop(self) -> None:
        self._stopped = True
