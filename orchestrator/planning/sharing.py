"""What packs side by side on a GPU get of it, for an estimate. Pure.

A pack alone leaves most of a large GPU idle, and two do not share what one has: they gain. How much is
measured (`python -m model.bench --survey`), or taken from where it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.planning.resources import Site


@dataclass(frozen=True)
class Gains:
    """`by_packs`: packs side by side -> what a second of them does, in seconds of a pack alone."""

    by_packs: Mapping[int, float]

    def of(self, packs: int) -> float:
        """Between two that were measured in proportion; beyond the last as much as there."""
        known = sorted(self.by_packs.items())
        below = max((one for one in known if one[0] <= packs), default=known[0])
        above = min((one for one in known if one[0] >= packs), default=known[-1])
        if above[0] == below[0]:
            return below[1]
        return below[1] + (above[1] - below[1]) * (packs - below[0]) / (above[0] - below[0])

    def speed(self, running: int, gpus: int) -> float:
        """Of each pack, beside what it has alone, where so many run on so many GPUs."""
        return self.of(-(-running // gpus)) * gpus / max(running, gpus)


#: Packs of five replicas of ResNet-20 in threads of one process, on an H200 (docs/gpu.md).
H200 = Gains({1: 1.0, 2: 1.36, 4: 1.97, 10: 2.08})


def speed(site: Site, gains: Gains | None) -> Callable[[int], float]:
    """Of a pack while so many run, beside what it has alone: less where packs share a GPU. `gains`: as they
    were measured, else an H200's."""
    if not site.resources.shares_gpu:
        return lambda running: 1.0
    gpus = max(1, int(sum(group.count * group.gpus for group in site.fleet)))
    return lambda running: (gains or H200).speed(running, gpus)
