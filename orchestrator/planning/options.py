"""How a sweep is run, as a person asked for it; nothing in here changes a number."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Options:
    """`pack`: replicas of a pack, None to choose. `gpus_per_pack`: None takes one where there are any.

    `throughput_from`: a benchmark's file or another sweep to estimate by, instead of timing a few steps.
    `accept_code`: add to results that other code trained. `trackers`: names, or import paths of one's own.
    """

    results: str
    data_dir: str | None = None
    executor: Literal["ray", "inline"] = "ray"
    pack: int | None = None
    cpus_per_pack: float = 1.0
    gpus_per_pack: float | None = None
    gpu_type: str | None = None
    use_head: bool = False
    address: str | None = None
    throughput_from: str | None = None
    max_failures: int = 3
    retry_failed: bool = False
    accept_code: bool = False
    trackers: tuple[str, ...] = ()

    @property
    def on_cluster(self) -> bool:
        """Whether something is asked for that only a cluster has."""
        return self.use_head or self.gpu_type is not None
