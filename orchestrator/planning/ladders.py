"""What packs side by side on a GPU gained, kept in the cache folder: who plans the same again times nothing.

A run that follows its own dry run, and another sweep of the same cells in packs of the same size, on such a
GPU with the same torch and the same kernels, would find what the last one found, half a minute later.
"""

from collections.abc import Iterable, Mapping

from model.data.dataset import DataInfo
from orchestrator.planning import gpu_timings
from orchestrator.planning.gpu_timings import GpuTimings, Key
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.packs_per_gpu import Ladder, cells_of, gains_of
from orchestrator.planning.plan import Pack

_FILE = GpuTimings[int]("ladders.json", "packs", "gains", 50, gains_of)


def key(device: str, packs: Iterable[Pack], infos: Mapping[str, DataInfo], chosen: Chosen) -> Key:
    """Of these packs, however many there are of each kind, by their kernels on the GPU of that name."""
    kinds = {(pack.spec, len(pack.trials)) for pack in packs}
    images = {spec.dataset: (infos[spec.dataset].height, infos[spec.dataset].width) for spec, _ in kinds}
    lines = sorted(
        f"{cells_of([spec])[0]} {images[spec.dataset]} {replicas} {chosen.of(spec, alone=False) or ''}"
        for spec, replicas in kinds
    )
    return gpu_timings.key(device, lines)


def of(wanted: Key) -> Ladder | None:
    """As it was timed; None where it was not."""
    gains = _FILE.read().get(wanted)
    return Ladder(gains) if gains else None


def keep(timed: Key, ladder: Ladder) -> None:
    """Add one. What ended before all was timed is not kept: it may be otherwise when others use less of the
    GPU."""
    if ladder.end is None:
        _FILE.keep({timed: ladder.gains})
