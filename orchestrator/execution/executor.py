"""What every way of running packs has in common: jobs go in, events come out.

Two ways exist: `inline` runs packs one after another in this process, for debuggers and for machines
without Ray; `driver` hands them to Ray Tune. Both tell a Listener what happens and both leave the
results to the store.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from orchestrator.execution.worker import Job
from orchestrator.planning.plan import Pack


@dataclass(frozen=True)
class Options:
    """How to run; nothing in here changes a number. `pack`: replicas of a pack, None to choose."""

    results: str
    data_dir: str | None = None
    executor: Literal["ray", "inline"] = "ray"
    pack: int | None = None
    cpus_per_pack: float = 1.0
    gpus_per_pack: float | None = None
    gpu_type: str | None = None
    use_head: bool = False
    address: str | None = None
    pace_from: str | None = None
    max_failures: int = 3
    retry_failed: bool = False

    @property
    def on_cluster(self) -> bool:
        """Whether something is asked for that only a cluster has."""
        return self.use_head or self.gpu_type is not None


@dataclass(frozen=True)
class Resources:
    """What one pack occupies, and where it runs. `device` is "cpu" or "cuda"."""

    cpus: float
    gpus: float
    device: str


def packs_at_once(resources: Resources, cpus: float, gpus: float) -> int:
    """Packs that fit at once. A fraction of a GPU never lies across two: 0.6 fits once into each."""
    fit = _whole(cpus / resources.cpus)
    if resources.gpus >= 1:
        fit = min(fit, _whole(gpus / resources.gpus))
    elif resources.gpus:
        fit = min(fit, _whole(gpus) * _whole(1 / resources.gpus))
    return fit


def _whole(quotient: float) -> int:
    return math.floor(quotient + 1e-9)  # 1 / 0.2 must be five


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
