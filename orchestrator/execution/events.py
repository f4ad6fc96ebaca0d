"""What happens to packs, from the worker that trains one to whoever listens.

Two ways of running packs exist: `inline` trains them in this process, for debuggers and for machines
without Ray; `tune` hands them to Ray Tune. Both tell a Listener, and both leave the results to the store.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.results.records import EpochRecord, Result


@dataclass(frozen=True)
class EpochEnd:
    """An epoch of a pack has ended and is saved. `replicas`: by trial id. `worker`: host and process."""

    epoch: int
    epochs: int
    images_per_second: float
    worker: str
    replicas: Mapping[str, EpochRecord]

    @property
    def last(self) -> bool:
        """Whether only the results are left to write: an interrupt lets such a pack finish."""
        return self.epoch >= self.epochs


@dataclass(frozen=True)
class Warned:
    """What a person should know, though training goes on. `once`: others may say the same."""

    warning: str
    once: bool = False


@dataclass(frozen=True)
class Trained:
    """A pack has ended. `trials`: each one's result by trial id."""

    trials: Mapping[str, Result]


#: Receives what a worker has to say of its pack; may raise `worker.Stopped` at an epoch's end.
Report = Callable[[EpochEnd | Warned | Trained], None]


class Listener(Protocol):
    """Told of everything, from one thread at a time. Packs are known by their index in the plan."""

    @property
    def running(self) -> int:
        """Packs that run now."""

    def started(self, index: int) -> None: ...

    def epoch(self, index: int, event: EpochEnd) -> None: ...

    def warned(self, index: int, warning: str) -> None: ...

    def finished(self, index: int) -> None:
        """Every trial of the pack has its result."""

    def stopped(self, index: int) -> None:
        """The pack has ended before that, at an epoch's end or by trouble; what it had is saved."""

    def retrying(self, index: int, error: str) -> None: ...

    def failed(self, index: int, error: str) -> None: ...
