"""How long a run takes, its start and what each pack costs beside training included. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.planning.order import After, makespan

#: Where packs train: a Ray started for them, a cluster that is joined, the driver's own process.
Place = Literal["ray", "cluster", "inline"]
PLACES: tuple[Place, ...] = ("ray", "cluster", "inline")


@dataclass(frozen=True)
class Overheads:
    """Seconds beside training. `start`: from the plan to the first step of the first packs; `pack`: of each
    later one, from the end of the one before it to its first step and from its last epoch to its results;
    `epoch`: of each epoch, for its checkpoints."""

    start: float
    pack: float
    epoch: float


_ON_RAY = Overheads(start=10.0, pack=0.3, epoch=0.08)
#: Where no run on this machine has measured its own (`orchestrator.planning.overheads`): as in the runs of
#: docs/performance.md. Nobody measured a cluster apart: its workers import torch too.
USUAL: Mapping[Place, Overheads] = {
    "ray": _ON_RAY,
    "cluster": _ON_RAY,
    "inline": Overheads(start=0.2, pack=0.3, epoch=0.08),
}


def wall_clock(
    packs: Sequence[tuple[float, int]],
    slots: int,
    after: After,
    overheads: Overheads,
    speed: Callable[[int], float] = lambda running: 1.0,
) -> float:
    """Seconds of a run of `packs`, each so many seconds of training in so many epochs; 0 where there is none.
    `speed`: see `makespan`."""
    if not packs:
        return 0.0
    seconds = [
        training + overheads.epoch * epochs + (overheads.pack if number >= slots else 0.0)
        for number, (training, epochs) in enumerate(packs)
    ]
    return overheads.start + makespan(seconds, slots, after, speed)
