"""What a person sees while a sweep runs: bookkeeping here, drawing in `display`.

Time left is the makespan of what remains on the workers at hand, from the plan's estimate scaled by how
the estimate has held so far; a share of trials done would mislead, for a trial at batch size 2 takes many
times as long as one at 32.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.plan import Pack, makespan


@dataclass
class PackProgress:
    """One pack's share of the screen. `error`: percent, the mean over its seeds."""

    pack: Pack
    estimate: float
    epochs: int
    state: str = "waiting"
    epoch: int = 0
    error: float | None = None
    images_per_second: float = 0.0
    spent: float = 0.0
    last_sign: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of this run's work on the pack, from 0 to 1."""
        todo = self.epochs - self.pack.epoch
        return 1.0 if todo <= 0 else (self.epoch - self.pack.epoch) / todo


class Progress:
    """A Listener that keeps count.

    `estimates`: seconds of each pack, in the work's order; `epochs`: each one's total; `before`: trials done
    before this run; `given_up`: trials that had failed for good before it.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.packs = [
            PackProgress(pack, estimate, total, epoch=pack.epoch)
            for pack, estimate, total in zip(packs, estimates, epochs, strict=True)
        ]
        self.warnings: list[str] = []
        self.slots = slots
        self.before = before
        self.given_up = given_up
        self._clock = clock
        self.begun = clock()

    # -- events --------------------------------------------------------------------------------------

    def started(self, index: int) -> None:
        entry = self.packs[index]
        entry.state, entry.last_sign = "running", self._clock()

    def epoch(self, index: int, metrics: dict[str, Any]) -> None:
        entry, now = self.packs[index], self._clock()
        entry.state = "running"
        entry.epoch = metrics["epoch"]
        entry.images_per_second = metrics["images_per_second"]
        replicas = list(metrics["replicas"].values())
        entry.spent += replicas[0]["seconds"]
        errors = [r["test_error"] if r["test_error"] is not None else r["val_error"] for r in replicas]
        known = [error for error in errors if error is not None]
        entry.error = sum(known) / len(known) if known else None
        entry.last_sign = now

    def warned(self, index: int, warning: str) -> None:
        self.warnings.append(warning)

    def finished(self, index: int) -> None:
        # A pack stopped at an epoch's end is over for Tune but not done.
        entry = self.packs[index]
        entry.state = "done" if entry.share >= 1.0 else "stopped"

    def retrying(self, index: int, error: str) -> None:
        self.packs[index].state = "waiting"
        self.packs[index].notes.append(error)

    def failed(self, index: int, error: str) -> None:
        self.packs[index].state = "failed"
        self.packs[index].notes.append(error)

    # -- what is shown -------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Packs that run now."""
        return sum(entry.state == "running" for entry in self.packs)

    def running_trials(self) -> list[str]:
        """Their ids."""
        return [t.trial_id for entry in self.packs if entry.state == "running" for t in entry.pack.trials]

    def trials(self, state: str) -> int:
        """Trials in a state: done, running, waiting (stopped ones too) or failed."""
        states = {"waiting", "stopped"} if state == "waiting" else {state}
        count = sum(len(entry.pack.trials) for entry in self.packs if entry.state in states)
        return count + {"done": self.before, "failed": self.given_up}.get(state, 0)

    @property
    def total(self) -> int:
        return self.before + self.given_up + sum(len(entry.pack.trials) for entry in self.packs)

    @property
    def share(self) -> float:
        """Of this run's estimated time, from 0 to 1."""
        whole = sum(entry.estimate for entry in self.packs)
        if whole <= 0:
            return 1.0
        return sum(entry.estimate * entry.share for entry in self.packs) / whole

    @property
    def images_per_second(self) -> float:
        return sum(entry.images_per_second for entry in self.packs if entry.state == "running")

    @property
    def elapsed(self) -> float:
        return self._clock() - self.begun

    @property
    def seconds_left(self) -> float:
        """Makespan of what remains, from the estimate as it has held so far."""
        expected = sum(entry.estimate * entry.share for entry in self.packs)
        spent = sum(entry.spent for entry in self.packs)
        held = spent / expected if expected > 0 and spent > 0 else 1.0
        now = self._clock()
        remaining = []
        for entry in sorted(self.packs, key=lambda e: e.state != "running"):
            if entry.state not in {"running", "waiting"}:
                continue
            left = entry.estimate * (1 - entry.share) * held
            if entry.state == "running":
                left = max(0.0, left - (now - entry.last_sign))
            remaining.append(left)
        return makespan(remaining, self.slots)


def duration(seconds: float) -> str:
    """1:02:03, 2:03 or 3 s; days from 48 hours up."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
