"""How many seeds train together: `--pack auto`, decided from measured facts. Pure.

On a CPU core replicas pay where a step is overhead rather than arithmetic. Measured with ResNet-20 on
one core (images per second of five replicas over one): 8×8 images 2.9, 2.5 and 1.2 times at batch sizes
2, 8 and 32; 32×32 images 1.4 times at 2, none at 8 or 32. What a step computes grows with its pixels,
and these points lie on one line: 128, 512 and 2,048 pixels gain 2.9, 2.5 and 1.2–1.4; 8,192 gain nothing.

Keeping every worker busy comes first: one pack of ten seeds on one core while another idles is slower
than two packs of five.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from model.data import DataInfo
from model.spec import Spec

_CPU_PIXELS = 4096
_CPU_MOST = 8
_GPU_MOST = 16


@dataclass(frozen=True)
class Choice:
    """A pack size for a cell and the reason in words."""

    size: int
    reason: str


def choose(
    spec: Spec, seeds: int, info: DataInfo, *, device: str, cells: Iterable[int], slots: int
) -> Choice:
    """The pack size of a cell with `seeds` declared.

    `cells`: the declared seeds of each cell of the sweep, this one included; `slots`: packs that run at once.
    """
    pixels = spec.batch_size * info.height * info.width
    if device == "cpu":
        if pixels > _CPU_PIXELS:
            return Choice(1, "a step's arithmetic fills a core; replicas gain nothing")
        most, why = _CPU_MOST, "a step is mostly overhead; replicas share it"
    else:
        most, why = _GPU_MOST, "replicas fill the GPU"
    size = min(seeds, most)
    cells = list(cells)
    while size > 1 and sum(-(-count // size) for count in cells) < slots:
        size -= 1
        why = f"smaller, so that all {slots} workers have a pack"
    return Choice(size, why)
