"""What cells did in a second by several kernels, kept in the cache folder: who plans the same again times
nothing, and chooses alike.

A run that follows its own dry run, a plan that is made in two stages, and another sweep of the same cells on
such a GPU with the same torch and the same code would time what the last one timed.
"""

from collections.abc import Mapping, Sequence

from model.data.dataset import DataInfo
from model.kernels import KERNELS, Kernels
from model.spec import Spec
from orchestrator.planning import gpu_timings
from orchestrator.planning.gpu_timings import GpuTimings, Key
from orchestrator.planning.kernels import Cells, Rates, Time, Timings
from orchestrator.planning.packs_per_gpu import kind

#: Images a second that a GPU may have trained.
_LEAST, _MOST = 1e-3, 1e9


def key(device: str, spec: Spec, replicas: int, info: DataInfo, kernels: Sequence[Kernels]) -> Key:
    """Of a pack of so many replicas, timed by these kernels one after the other on the GPU of that name."""
    what = f"{kind(spec)} {info.height} {info.width} {info.channels} {replicas} {' '.join(kernels)}"
    return gpu_timings.key(device, [what])


def kept(time: Time, device: str, infos: Mapping[str, DataInfo]) -> Time:
    """Times on `device` what is not kept, and keeps what could be timed by all of the kernels."""

    def timed(cells: Cells, kernels: Sequence[Kernels], seconds: float) -> Timings:
        keys = [key(device, spec, replicas, infos[spec.dataset], kernels) for spec, replicas in cells]
        there = read()
        known = {one: there[one] for one in keys if one in there}
        left = {one: cell for one, cell in zip(keys, cells, strict=True) if one not in known}
        now = time([*left.values()], kernels, seconds) if left else Timings([])
        found = dict(zip(left, now.rates, strict=False))
        keep({one: rates for one, rates in found.items() if len(rates) == len(kernels)})
        return Timings([known.get(one) or found.get(one) or {} for one in keys], now.unusable)

    return timed


def _rates(said: object) -> Rates:
    """By kernels; empty where they are none."""
    rates: dict[Kernels, float] = {}
    for name, rate in said.items() if isinstance(said, dict) else ():
        if name not in KERNELS or type(rate) not in (int, float) or not _LEAST <= rate <= _MOST:
            return {}
        rates[name] = float(rate)
    return rates


_FILE = GpuTimings[Kernels]("kernels.json", "cell", "rates", 200, _rates)
read, keep = _FILE.read, _FILE.keep
