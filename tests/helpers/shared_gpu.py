"""Packs that share a GPU that a Ray only says it has: they train on the CPU, in the process that would have the GPU.

As a program: `python -m tests.helpers.shared_gpu ADDRESS FOLDER IMAGES`.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.cluster.nodes import nodes_up
from orchestrator.cluster.session import cluster
from orchestrator.display.progress import Progress
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.events import EpochEnd
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.tune import run_on_ray
from orchestrator.planning.resources import choose_site
from orchestrator.results.store import Store
from tests.helpers.assignments import assignment
from tests.helpers.tiny import trial

EPOCHS = 6
TRIALS = [
    trial(seed=1, epochs=EPOCHS, norm=norm, groups=groups, batch_size=batch)
    for norm, groups in (("bn", None), ("gn", 4))
    for batch in (4, 2)
]


class Heard(Progress):
    """`told`: what happened, by index; `at_epoch`: called with each epoch's event."""

    def __init__(
        self, packs: Sequence[Assignment], at_epoch: Callable[[int, EpochEnd], None] = lambda *_: None
    ) -> None:
        many = len(packs)
        super().__init__([one.pack for one in packs], [1.0] * many, [EPOCHS] * many, slots=2, before=0)
        self.at_epoch, self.retried = at_epoch, list[tuple[int, str]]()

    def epoch(self, index: int, event: EpochEnd) -> None:
        super().epoch(index, event)
        self.at_epoch(index, event)

    def retrying(self, index: int, error: str) -> None:
        super().retrying(index, error)
        self.retried.append((index, error))


def assigned(folder: Path, images: Path) -> list[Assignment]:
    Store(str(folder)).open(TRIALS)
    return [replace(assignment(folder, images, [one]), beside_others=True) for one in TRIALS]


def train(
    address: str,
    folder: Path,
    images: Path,
    at_epoch: Callable[[int, EpochEnd], None] = lambda *_: None,
    interrupt: Interrupt | None = None,
) -> Heard:
    """Two packs at a time on every GPU of the cluster."""
    packs = assigned(folder, images)
    heard = Heard(packs, at_epoch)
    with cluster(address):
        site = choose_site(nodes_up(), [], cpus_per_pack=0.5, gpus_per_pack=0.5)
        run_on_ray(packs, heard, interrupt or Interrupt(), results=str(folder), site=site)
    return heard


if __name__ == "__main__":
    train(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
