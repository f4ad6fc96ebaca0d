"""Whether a pack that is asked to end leaves its epoch or trains the rest: by how long that takes."""

import time
from collections.abc import Callable

#: Until when a pack may go on with its epoch, in seconds of `time.monotonic`; None while nobody minds.
Until = Callable[[], float | None]


def unasked() -> float | None:
    """Nobody asks."""
    return None


class Leaving:
    """Asked between steps, a `model.training.epoch.Leave`. The rest is reckoned from the pace since the epoch
    was begun or taken up; the evaluation is not counted."""

    def __init__(self, until: Until, clock: Callable[[], float] = time.monotonic) -> None:
        self._until, self._clock, self._begun = until, clock, clock()

    def begin(self) -> None:
        """An epoch begins here, or is taken up."""
        self._begun = self._clock()

    def __call__(self, done: int, steps: int) -> bool:
        until = self._until()
        if until is None:
            return False
        now = self._clock()
        return now + (now - self._begun) / done * (steps - done) > until
