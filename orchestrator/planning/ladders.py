"""What packs side by side on a GPU gained, kept in the cache folder: who plans the same again times nothing.

A run that follows its own dry run, and another sweep of the same cells in packs of the same size, on such a
GPU with the same torch and the same kernels, would find what the last one found, half a minute later.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from model.data import cache
from model.data.dataset import DataInfo
from model.errors import InputError
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.packs_per_gpu import Ladder, cells_of, gains_of
from orchestrator.planning.plan import Pack
from orchestrator.results.disk import write_whole
from orchestrator.results.provenance import version
from orchestrator.results.source import training_code

_NAME = "ladders.json"
_KEPT = 50
_FACTS = ("device", "torch", "packs")

#: By which a ladder is found again.
Key = tuple[str, str, str]


def key(device: str, packs: Iterable[Pack], infos: Mapping[str, DataInfo], chosen: Chosen) -> Key:
    """Of these packs, however many there are of each kind, by their kernels on the GPU of that name."""
    kinds = {(pack.spec, len(pack.trials)) for pack in packs}
    images = {spec.dataset: (infos[spec.dataset].height, infos[spec.dataset].width) for spec, _ in kinds}
    lines = sorted(
        f"{cells_of([spec])[0]} {images[spec.dataset]} {replicas} {chosen.of(spec, alone=False) or ''}"
        for spec, replicas in kinds
    )
    digest = hashlib.sha256("\n".join([training_code().digest, *lines]).encode()).hexdigest()
    return device, version("torch") or "", digest[:16]


def of(wanted: Key) -> Ladder | None:
    """As it was timed; None where it was not."""
    return _read().get(wanted)


def keep(timed: Key, ladder: Ladder) -> None:
    """Add one. What ended before all was timed is not kept: it may be otherwise when others use less of the
    GPU. Where the cache folder cannot be written, nothing is."""
    if ladder.end is not None:
        return
    everything = _read()
    everything.pop(timed, None)
    everything[timed] = ladder
    entries = [
        {**dict(zip(_FACTS, one, strict=True)), "gains": {str(n): gain for n, gain in found.gains.items()}}
        for one, found in [*everything.items()][-_KEPT:]
    ]
    with contextlib.suppress(OSError, InputError):
        folder = str(cache.folder())
        write_whole(folder, f"{folder}/{_NAME}", json.dumps(entries, indent=1).encode())


def _read() -> dict[Key, Ladder]:
    """The latest last; what is no such thing, in a file that anybody can edit, is left out."""
    try:
        said: Any = json.loads((cache.folder() / _NAME).read_bytes())
    except (OSError, ValueError, RecursionError, InputError):
        return {}
    found: dict[Key, Ladder] = {}
    for entry in (said if isinstance(said, list) else [])[-_KEPT:]:
        if isinstance(entry, dict) and (gains := gains_of(entry.get("gains"))):
            device, torch, packs = (entry.get(name) for name in _FACTS)
            if isinstance(device, str) and isinstance(torch, str) and isinstance(packs, str):
                found[device, torch, packs] = Ladder(gains)
    return found
