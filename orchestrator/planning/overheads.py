"""What a run takes beside training, as the last runs on this machine took it: kept in the cache folder.

No constant could say it: Ray's start and the import of torch take four seconds on one machine and twenty on
another, and a checkpoint as long as its disk takes. So every run measures its own
(`orchestrator.execution.stopwatch`), and the next plan goes by the last few: by the shortest start, for what
another took more was other work of the machine's, and by the median of what depends on the networks too.
"""

import math
from collections.abc import Callable, Mapping
from statistics import median

from orchestrator.planning import cache_file
from orchestrator.planning.wall_clock import USUAL, Overheads, Place

_NAME = "overheads.json"
_KEPT = 5
_WAYS: Mapping[str, Callable[[list[float]], float]] = {"start": min, "pack": median, "epoch": median}


def of(place: Place) -> Overheads:
    """Of a run there: each part by what the last runs measured, else as is usual."""
    kept = _read().get(place, {})
    known = {part: _WAYS[part](values) for part in _WAYS if (values := kept.get(part))}
    return Overheads(**{**vars(USUAL[place]), **known})


def keep(place: Place, measured: Mapping[str, float]) -> None:
    """Add the parts that a run has measured. Where the cache folder cannot be written, nothing is kept."""
    everything = _read()
    kept = everything.setdefault(place, {})
    for part, value in measured.items():
        kept[part] = [*kept.get(part, ()), round(value, 4)][-_KEPT:]
    cache_file.write(_NAME, everything)


def _read() -> dict[str, dict[str, list[float]]]:
    """By place and part; what is no such thing, in a file that anybody can edit, is left out."""
    said = cache_file.read(_NAME)
    return {
        place: {part: values for part in _WAYS if (values := _numbers(parts.get(part)))}
        for place, parts in (said.items() if isinstance(said, dict) else ())
        if isinstance(parts, dict) and place in USUAL
    }


def _numbers(values: object) -> list[float]:
    listed = values if isinstance(values, list) else []
    return [v for v in listed if type(v) in (int, float) and math.isfinite(v) and 0 <= v < 3600][-_KEPT:]
