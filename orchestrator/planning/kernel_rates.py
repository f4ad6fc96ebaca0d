"""What cells did in a second by several kernels, kept in the cache folder: who plans the same again times
nothing, and chooses alike.

A run that follows its own dry run, a plan that is made in two stages, and another sweep of the same cells on
such a GPU with the same torch and the same code would time what the last one timed.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from model.data import cache
from model.data.dataset import DataInfo
from model.errors import InputError
from model.kernels import KERNELS, Kernels
from model.spec import Spec
from orchestrator.planning.kernels import Cells, Rates, Time, Timings, kind
from orchestrator.results.disk import write_whole
from orchestrator.results.provenance import version
from orchestrator.results.source import training_code

_NAME = "kernels.json"
_KEPT = 200
_FACTS = ("device", "torch", "cell")
#: Images a second that a GPU may have trained.
_LEAST, _MOST = 1e-3, 1e9

#: By which the rates of a cell are found again.
Key = tuple[str, str, str]


def key(device: str, spec: Spec, replicas: int, info: DataInfo, kernels: Sequence[Kernels]) -> Key:
    """Of a pack of so many replicas, timed by these kernels one after the other on the GPU of that name."""
    what = f"{kind(spec)} {info.height} {info.width} {info.channels} {replicas} {' '.join(kernels)}"
    digest = hashlib.sha256(f"{training_code().digest}\n{what}".encode()).hexdigest()
    return device, version("torch") or "", digest[:16]


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


def read() -> dict[Key, Rates]:
    """The latest last; what is no such thing, in a file that anybody can edit, is left out."""
    try:
        said: Any = json.loads((cache.folder() / _NAME).read_bytes())
    except (OSError, ValueError, RecursionError, InputError):
        return {}
    found: dict[Key, Rates] = {}
    for entry in (said if isinstance(said, list) else [])[-_KEPT:]:
        if isinstance(entry, dict) and (rates := _rates(entry.get("rates"))):
            device, torch, cell = (entry.get(name) for name in _FACTS)
            if isinstance(device, str) and isinstance(torch, str) and isinstance(cell, str):
                found[device, torch, cell] = rates
    return found


def keep(timed: Mapping[Key, Rates]) -> None:
    """Add these. Where the cache folder cannot be written, nothing is kept."""
    everything = {one: rates for one, rates in read().items() if one not in timed} | dict(timed)
    entries = [
        {**dict(zip(_FACTS, one, strict=True)), "rates": {str(by): rate for by, rate in rates.items()}}
        for one, rates in [*everything.items()][-_KEPT:]
    ]
    with contextlib.suppress(OSError, InputError):
        folder = str(cache.folder())
        write_whole(folder, f"{folder}/{_NAME}", json.dumps(entries, indent=1).encode())


def _rates(said: object) -> Rates:
    """By kernels; empty where they are none."""
    rates: dict[Kernels, float] = {}
    for name, rate in said.items() if isinstance(said, dict) else ():
        if name not in KERNELS or type(rate) not in (int, float) or not _LEAST <= rate <= _MOST:
            return {}
        rates[name] = float(rate)
    return rates
