"""How a sweep is run, as a person asked for it; nothing in here changes a number."""

from dataclasses import dataclass
from typing import Literal

from model.kernels import Kernels
from orchestrator.planning.resources import share_of


@dataclass(frozen=True)
class Options:
    """`pack`: replicas of a pack, None to choose. `packs_per_gpu`: side by side, None to time how many pay,
    unless `gpus_per_pack` says what a pack has. Where there is a GPU, packs train on GPUs. `kernels`: whose
    compute there, None to time what pays.

    `throughput_from`: a benchmark's file or another sweep to estimate by, instead of timing a few steps.
    `accept_code`: add to results that other code trained. `trackers`: names, or import paths of one's own.
    """

    results: str
    data_dir: str | None = None
    executor: Literal["ray", "inline"] = "ray"
    pack: int | None = None
    cpus_per_pack: float = 1.0
    gpus_per_pack: float | None = None
    packs_per_gpu: int | None = None
    kernels: Kernels | None = None
    gpu_type: str | None = None
    use_head: bool = False
    address: str | None = None
    throughput_from: str | None = None
    max_failures: int = 3
    retry_failed: bool = False
    accept_code: bool = False
    trackers: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """GPUs of a pack, as somebody said; None where nobody did."""
        return self.gpus_per_pack if self.packs_per_gpu is None else share_of(self.packs_per_gpu)

    @property
    def on_cluster(self) -> bool:
        """Whether something is asked for that only a cluster has."""
        return self.use_head or self.gpu_type is not None
