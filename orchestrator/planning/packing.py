"""How many seeds train together: `--pack auto`, decided from measured facts. Pure.

On a CPU core replicas pay where a step is overhead rather than arithmetic, and what a step computes grows
with the pixels of all its replicas. Measured with ResNet-20 on a core of an AMD EPYC (model.bench):
32×32 images gain until R·B is 20 to 40 images, five replicas running 1.4 times as many images a second as
one at batch size 2 and none more at 32; five replicas of 8×8 images still gain 1.2 to 1.3 times at batch
size 32. So a pack may have as many replicas as fit into about 32 images of 32×32 pixels a step.

Keeping every worker busy comes first: one pack of ten seeds on one core while another idles is slower
than two packs of five. So does the end: no schedule is shorter than its longest pack. Which that is, is
reckoned from docs/performance.md and docs/gpu.md and not from what a sweep's own packs took, so that a
resumed sweep is cut as it was.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from model.data.dataset import DataInfo
from model.spec import Spec

_CPU_PIXELS = 32 * 32 * 32  # of all replicas in a step
_CPU_MOST = 8
_GPU_MOST = 16
_MEMORY_SHARE = 0.5  # of a pack's memory, for what the estimate leaves out
#: What a step takes beside its arithmetic, once and for each replica, in images of 32×32 pixels. A core takes
#: 2.9, 1.3 and 1.47 ms an image: within 15% of one seed and five at batch sizes 2 to 8 (docs/performance.md).
#: An H200 takes 0.6 ms and 16 µs an image: within 10% of five seeds at 2 to 32 (docs/gpu.md).
_STEP = {"cpu": (2.0, 0.9), "cuda": (38.0, 0.0)}
_FINE = 1 / 4  # of a worker's share of all: with such packs the longest is not waited for
_GAIN = 0.98  # of the time until all have ended: less is not worth a smaller pack


@dataclass(frozen=True)
class Choice:
    """A pack size for a cell and the reason in words."""

    size: int
    reason: str


@dataclass(frozen=True)
class Memory:
    """Bytes that a pack may have where it trains, and that one of its replicas needs."""

    available: float
    replica: float

    @property
    def fits(self) -> int:
        return max(1, int(_MEMORY_SHARE * self.available // self.replica))


def choose(
    spec: Spec,
    seeds: int,
    info: DataInfo,
    *,
    device: str,
    cells: Iterable[int],
    slots: int,
    memory: Memory | None = None,
) -> Choice:
    """The pack size of a cell with `seeds` declared.

    `cells`: the declared seeds of each cell of the sweep, this one included; `slots`: packs that run at
    once; `memory`: None where it is not known.
    """
    pixels = spec.batch_size * info.height * info.width
    if device == "cpu":
        most = max(1, min(_CPU_MOST, _CPU_PIXELS // pixels))
        if most == 1:
            return Choice(1, "a step already keeps a core busy; replicas would gain nothing")
        why = "a step is mostly overhead, which replicas share"
    else:
        most, why = _GPU_MOST, "replicas fill the GPU"
    size = min(seeds, most)
    if memory is not None and (fit := memory.fits) < size:
        size = fit
        why = f"as many as {memory.available / 2**30:.1f} GiB a pack hold"
    cells = list(cells)
    while size > 1 and sum(-(-count // size) for count in cells) < slots:
        size -= 1
        why = f"smaller, so that all {slots} workers have a pack"
    return Choice(size, why)


def shorter(
    choices: Mapping[Spec, Choice],
    seeds: Mapping[Spec, int],
    infos: Mapping[str, DataInfo],
    *,
    device: str,
    slots: int,
) -> dict[Spec, Choice]:
    """The choices, but smaller packs in cells whose longest pack all would wait for, where that ends sooner.

    `seeds`: how many each cell declares.
    """
    sizes = {spec: choice.size for spec, choice in choices.items()}
    times = {spec: _times(spec, seeds[spec], size, infos, device) for spec, size in sizes.items()}
    best, soonest = dict(sizes), _GAIN * _end(times, slots)
    while True:
        longest = max(times, key=lambda spec: times[spec][0])
        work = sum(map(sum, times.values()))
        if sizes[longest] == 1 or times[longest][0] <= _FINE * work / max(1, slots):
            break
        sizes[longest] -= 1
        times[longest] = _times(longest, seeds[longest], sizes[longest], infos, device)
        if (end := _end(times, slots)) < soonest:
            best, soonest = dict(sizes), end
    why = "smaller, so that nobody waits for the longest pack"
    return {
        spec: choice if best[spec] == choice.size else replace(choice, size=best[spec], reason=why)
        for spec, choice in choices.items()
    }


def _times(spec: Spec, seeds: int, size: int, infos: Mapping[str, DataInfo], device: str) -> list[float]:
    """Of each pack of a cell, the longest first, in the time of an image of 32×32 pixels."""
    info, packs = infos[spec.dataset], -(-seeds // size)
    once, replica = _STEP[device]
    image = spec.batch_size * info.height * info.width / 32**2
    least, more = divmod(seeds, packs)
    return [
        spec.total_steps(info.train_size) * (once + (replica + image) * (least + (i < more)))
        for i in range(packs)
    ]


def _end(times: Mapping[Spec, list[float]], slots: int) -> float:
    """When the last pack ends where the longest goes first, none waiting for another."""
    workers = [0.0] * max(1, slots)
    for one in sorted((one for packs in times.values() for one in packs), reverse=True):
        heapq.heapreplace(workers, workers[0] + one)
    return max(workers)
