"""What a person sees while a sweep runs: the bookkeeping; `panel` draws it.

Time left is the makespan of what remains on the workers at hand, from the plan's estimate scaled by how
the estimate has held so far; a share of trials done would mislead, for a trial at batch size 2 takes many
times as long as one at 32.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.display.pack_names import pack_names
from orchestrator.execution.events import EpochEnd
from orchestrator.planning.order import makespan
from orchestrator.planning.plan import Pack


@dataclass
class PackProgress:
    """One pack's share of the screen. `name`: its own among the packs of the run. `error`: percent, the mean
    over its seeds."""

    pack: Pack
    name: str
    estimate: float
    epochs: int
    state: str = "waiting"
    epoch: int = 0
    error: float | None = None
    images_per_second: float = 0.0
    last_sign: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of this run's work on the pack, from 0 to 1."""
        todo = self.epochs - self.pack.epoch
        return 1.0 if todo <= 0 else (self.epoch - self.pack.epoch) / todo


class Progress:
    """A Listener that keeps count as events come, so that none costs more in a larger sweep.

    `estimates`: seconds of each pack, in the plan's order; `epochs`: each one's total; `before`: trials done
    before this run; `given_up`: trials that had failed for good before it; `held`: those that
    start from one of these.
    """

    def __init__(
        self,
        packs: Sequence[Pack],
        estimates: Sequence[float],
        epochs: Sequence[int],
        *,
        slots: int,
        before: int,
        given_up: int = 0,
        held: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.packs = [
            PackProgress(pack, name, estimate, total, epoch=pack.epoch)
            for pack, name, estimate, total in zip(packs, pack_names(packs), estimates, epochs, strict=True)
        ]
        self.warnings: list[str] = []
        self.slots = slots
        self.before = before
        self.given_up = given_up
        self._clock = clock
        self.begun = clock()
        self._running: dict[int, PackProgress] = {}
        self._waiting = dict(enumerate(self.packs))
        self._trials = Counter({"waiting": held + sum(len(pack.trials) for pack in packs)})
        self.total = before + given_up + self._trials["waiting"]
        self._whole = sum(estimates)
        self._expected = sum(entry.estimate * entry.share for entry in self.packs)
        self._spent = 0.0

    # -- events --------------------------------------------------------------------------------------

    def _becomes(self, index: int, state: str) -> None:
        entry = self.packs[index]
        self._trials[entry.state] -= len(entry.pack.trials)
        self._trials[state] += len(entry.pack.trials)
        entry.state = state
        for name, members in (("running", self._running), ("waiting", self._waiting)):
            if state == name:
                members[index] = entry
            else:
                members.pop(index, None)

    def started(self, index: int) -> None:
        self._becomes(index, "running")
        self.packs[index].last_sign = self._clock()

    def epoch(self, index: int, event: EpochEnd) -> None:
        entry, now = self.packs[index], self._clock()
        self._becomes(index, "running")
        self._expected -= entry.estimate * entry.share
        entry.epoch = event.epoch
        self._expected += entry.estimate * entry.share
        entry.images_per_second = event.images_per_second
        replicas = list(event.replicas.values())
        self._spent += replicas[0]["seconds"]
        errors = [r["test_error"] if r["test_error"] is not None else r["val_error"] for r in replicas]
        known = [error for error in errors if error is not None]
        entry.error = sum(known) / len(known) if known else None
        entry.last_sign = now

    def warned(self, index: int, warning: str) -> None:
        self.warnings.append(warning)

    def finished(self, index: int) -> None:
        self._becomes(index, "done")

    def stopped(self, index: int) -> None:
        self._becomes(index, "stopped")

    def retrying(self, index: int, error: str) -> None:
        self._becomes(index, "waiting")
        self.packs[index].notes.append(error)

    def failed(self, index: int, error: str) -> None:
        self._becomes(index, "failed")
        self.packs[index].notes.append(error)

    # -- what is shown -------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Packs that run now."""
        return len(self._running)

    @property
    def running_packs(self) -> list[PackProgress]:
        """They, in the plan's order. A copy: the display and the lock ask from threads of their own."""
        return [entry for _, entry in sorted(self._running.items())]

    def running_trials(self) -> list[str]:
        """Their ids."""
        return [t.trial_id for entry in self.running_packs for t in entry.pack.trials]

    def trials(self, state: str) -> int:
        """Trials in a state: done, running, waiting (stopped ones too) or failed."""
        stopped = self._trials["stopped"] if state == "waiting" else 0
        return self._trials[state] + stopped + {"done": self.before, "failed": self.given_up}.get(state, 0)

    @property
    def share(self) -> float:
        """Of this run's estimated time, from 0 to 1."""
        if self._whole > 0:
            return self._expected / self._whole
        return 0.0 if self._waiting or self._running else 1.0

    @property
    def images_per_second(self) -> float:
        return sum(entry.images_per_second for entry in self.running_packs)

    @property
    def elapsed(self) -> float:
        return self._clock() - self.begun

    @property
    def seconds_left(self) -> float:
        """Makespan of what remains, from the estimate as it has held so far."""
        known = self._expected > 1e-9 and self._spent > 0  # a sum of differences is seldom exactly 0
        held = self._spent / self._expected if known else 1.0
        now = self._clock()
        running = [
            max(0.0, entry.estimate * (1 - entry.share) * held - (now - entry.last_sign))
            for entry in self.running_packs
        ]
        waiting = [e.estimate * (1 - e.share) * held for _, e in sorted(self._waiting.items())]
        return makespan([*running, *waiting], self.slots)
