"""A pack as a worker gets it."""

from dataclasses import dataclass

from model.kernels import Kernels
from orchestrator.planning.plan import Pack


@dataclass(frozen=True)
class Assignment:
    """A pack and what a worker has to know to train it; small enough to send to any worker.

    `results`: where the store is. `token`: of the lock under which it trains, None without one.
    `train_size`: training images of the data set, before any are selected. `device`: cpu, cuda or cuda:N.
    `gpu`: which of its node's GPUs, where a process sees several. `beside_others`: whether other packs train
    in its process. `threads`: of the CPU, for one pack. `fingerprint`: of the data that were declared; None
    takes any. `kernels`: whose a GPU uses, where it can; None follows the rule.
    """

    pack: Pack
    results: str
    data_dir: str | None
    train_size: int
    device: str
    threads: int
    max_failures: int
    fingerprint: str | None = None
    token: str | None = None
    gpu: int = 0
    beside_others: bool = False
    kernels: Kernels | None = None
