"""Where a trial stands, as its files say."""

from dataclasses import dataclass, field
from typing import Literal

from orchestrator.results.records import EpochRecord, Failure, History, Result

Status = Literal["done", "diverged", "failed", "partial", "missing"]


@dataclass(frozen=True)
class TrialState:
    """Where a trial stands.

    `epochs`: the epochs that have a checkpoint, ascending. `result`, `history`, `failure`: the parsed
    files, None where absent. `history` is only filled by `Store.scan(history=True)` or for unfinished
    trials. `recorded`: there is a history and it was read whole, kept or not.
    """

    trial_id: str
    status: Status
    epochs: tuple[int, ...] = ()
    result: Result | None = None
    history: History | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = field(default=())
    recorded: bool = False

    @property
    def finished(self) -> bool:
        return self.result is not None

    @property
    def records(self) -> list[EpochRecord]:
        """The epochs of its history; none where that is not there."""
        return self.history["epochs"] if self.history else []

    @property
    def pack(self) -> list[str]:
        """The trials that it trains with, in order; itself alone where that is not known."""
        source = self.result or self.history
        return (source.get("pack") if source else None) or [self.trial_id]

    @property
    def attempts(self) -> int:
        """Failures so far; one that does not say how many is one."""
        return self.failure.get("attempts", 1) if self.failure else 0
