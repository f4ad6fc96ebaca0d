"""What every way of running packs has in common: jobs go in, events come out.

Two ways exist: `inline` runs packs one after another in this process, for debuggers and for machines
without Ray; `driver` hands them to Ray Tune. Both tell a Listener what happens and both leave the
results to the store.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.execution.worker import Job
from orchestrator.planning.plan import Pack


@dataclass(frozen=True)
class Work:
    """A pack and the job that a worker gets for it."""

    pack: Pack
    job: Job


class Listener(Protocol):
    """Told of everything, from one thread. Packs are known by their index in the work."""

    @property
    def running(self) -> int:
        """Packs that run now."""

    def started(self, index: int) -> None: ...

    def epoch(self, index: int, metrics: dict[str, Any]) -> None:
        """`metrics`: what the trainable reported."""

    def warned(self, index: int, warning: str) -> None: ...

    def finished(self, index: int) -> None: ...

    def retrying(self, index: int, error: str) -> None: ...

    def failed(self, index: int, error: str) -> None: ...
