"""How many seeds train together: `--pack auto`, decided from measured facts. Pure.

On a CPU core replicas pay where a step is overhead rather than arithmetic, and what a step computes grows
with the pixels of all its replicas. Measured with ResNet-20 on a core of an AMD EPYC (model.bench):
32×32 images gain until R·B is 20 to 40 images, five replicas running 1.4 times as many images a second as
one at batch size 2 and none more at 32; five replicas of 8×8 images still gain 1.2 to 1.3 times at batch
size 32. So a pack may have as many replicas as fit into about 32 images of 32×32 pixels a step.

Keeping every worker busy comes first: one pack of ten seeds on one core while another idles is slower
than two packs of five.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from model.data.dataset import DataInfo
from model.spec import Spec

_CPU_PIXELS = 32 * 32 * 32  # of all replicas in a step
_CPU_MOST = 8
_GPU_MOST = 16
_MEMORY_SHARE = 0.5  # of a pack's memory, for what the estimate leaves out


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
            return Choice(1, "a step's arithmetic fills a core; replicas gain nothing")
        why = "a step is mostly overhead; replicas share it"
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
