"""How many packs train side by side on a GPU: `--packs-per-gpu auto`, decided from what was timed. Pure.

A pack of a small network leaves most of a GPU idle, and how much of that others can use differs between
GPUs, networks and batch sizes: so 1, 2, 4 and 8 packs of the plan are timed, as the plan would run them. What
counts is the gain: the work that all of them do in a second over what they would do one after another.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from model.spec import Spec
from orchestrator.grid.limits import MOST_PACKS
from orchestrator.planning.plan import Pack
from orchestrator.planning.resources import Site, packs_at_once, share_of
from orchestrator.results.records import RunRecord, SharingRecord

#: Numbers of packs that are timed.
_RUNGS = (1, 2, 4, 8)
#: What more packs have to gain over fewer, for what they cost in memory and in an error that they share.
_WORTH = 1.05
#: Seconds of a sweep that is over before timing packs would have paid.
_SHORT = 120.0


@dataclass(frozen=True)
class Ladder:
    """`gains`: by number of packs, 1.0 of one. `end`: why no more packs were timed; None where the plan, or
    the machine's cores, have no more. `source`: where that is known from, in words, unless it was timed just
    now."""

    gains: Mapping[int, float]
    end: str | None = None
    source: str = ""

    def up_to(self, packs: int) -> "Ladder":
        """Without the larger numbers."""
        kept = {count: gain for count, gain in self.gains.items() if count <= packs}
        return self if len(kept) == len(self.gains) else replace(self, gains=kept, end=None)


def reaches(ladder: Ladder | None, counts: Sequence[int]) -> bool:
    """Whether so many packs were timed."""
    return ladder is not None and max(ladder.gains) >= counts[-1]


@dataclass(frozen=True)
class Sharing:
    """`packs` on each GPU, and why, in a line that is empty where a person has said so. `ladder`: None where
    nothing was timed. `device`: where it was."""

    packs: int
    reason: str = ""
    ladder: Ladder | None = None
    device: str | None = None


def decide(ladder: Ladder) -> Sharing:
    """The most packs that gain at least 5% over the next smaller number worth taking."""
    chosen, tried = 1, sorted(ladder.gains)
    for packs in tried:
        if ladder.gains[packs] >= _WORTH * ladder.gains[chosen]:
            chosen = packs
    more = next((packs for packs in tried if packs > chosen), None)
    parts = [_packs(chosen)]
    if chosen > 1:
        parts[0] += f": {ladder.gains[chosen]:.2f} times the images of one after another"
    if more is not None:
        parts.append(f"{more} gained {_percent(ladder.gains[more] / ladder.gains[chosen])}")
    elif ladder.end:
        parts.append(ladder.end)
    if ladder.source:
        parts.append(ladder.source)
    return Sharing(chosen, "; ".join(parts), ladder)


def _packs(count: int) -> str:
    return f"{count} pack{'' if count == 1 else 's'} on each GPU"


def _percent(ratio: float) -> str:
    more = round(100 * (ratio - 1))
    return f"{more}% more" if more > 0 else "nothing"


def unshared(why: str) -> Sharing:
    """One pack a GPU, because nothing could be timed."""
    return Sharing(1, f"{_packs(1)}: {why}")


def rungs(site: Site, packs: int) -> tuple[int, ...]:
    """The numbers of packs to time on one GPU, where a plan has so many for all of `site`, whose GPUs have a
    pack each: as many as there are, and as its cores have room for."""
    gpus = max(1, site.slots)
    cores = max(
        (int(group.cpus / site.resources.cpus // group.gpus) for group in site.fleet if group.gpus), default=1
    )
    most = max(1, min(_RUNGS[-1], math.ceil(packs / gpus), cores))
    return tuple(sorted({*(rung for rung in _RUNGS if rung < most), most}))


def of_one_gpu(packs: Sequence[Pack], gpus: int, most: int) -> list[tuple[Spec, int]]:
    """Cells and replicas of the packs, longest first, that one of several GPUs would begin with."""
    return [(pack.spec, len(pack.trials)) for pack in packs[:: max(1, gpus)]][:most]


def too_short(seconds: float) -> bool:
    """Whether a sweep of so many seconds, one pack a GPU, is over before timing packs would have paid."""
    return seconds < _SHORT


def shared(site: Site, packs: int) -> Site:
    """The site, each of whose GPUs has so many packs at once."""
    if packs == 1:
        return site
    resources = replace(site.resources, gpus=share_of(packs))
    fleet = tuple(replace(g, packs=packs_at_once(resources, g.cpus, g.gpus)) for g in site.fleet)
    return replace(site, resources=resources, fleet=fleet)


# -- what a run wrote down, for the next ----------------------------------------------------------------


def record_of(sharing: Sharing | None, specs: Iterable[Spec]) -> SharingRecord | None:
    """For sweep.json, of a sweep of these cells; None where nothing was timed."""
    if sharing is None or sharing.ladder is None or sharing.device is None:
        return None
    gains = {str(count): gain for count, gain in sharing.ladder.gains.items()}
    return {"device": sharing.device, "gains": gains, "end": sharing.ladder.end, "cells": cells_of(specs)}


def remembered(runs: Sequence[RunRecord], device: str | None, specs: Iterable[Spec]) -> Ladder | None:
    """What an earlier run timed on such a device, where these cells were among its own; `device`: None
    where it is not up to be asked."""
    cells = {*cells_of(specs)}
    for run in reversed(runs):
        record = run.get("sharing")
        if not record or {"device", "gains", "cells"} - record.keys():
            continue
        if device in (None, record["device"]) and cells <= {*record["cells"]}:
            gains = gains_of(record["gains"])
            return Ladder(gains, record.get("end"), "as an earlier run timed it") if gains else None
    return None


def gains_of(said: object) -> dict[int, float]:
    """By packs, as a file says that anybody can edit; empty where these cannot be gains."""
    gains = {}
    for packs, gain in said.items() if isinstance(said, dict) else ():
        if not packs.isdecimal() or not 1 <= len(packs) <= 2 or not 1 <= int(packs) <= MOST_PACKS:
            return {}
        if type(gain) not in (int, float) or not 0 < gain <= MOST_PACKS:
            return {}
        gains[int(packs)] = float(gain)
    return gains if gains.get(1) == 1.0 else {}


def cells_of(specs: Iterable[Spec]) -> list[str]:
    """What decides how packs share a GPU, a line a cell."""
    return sorted({kind(one).removesuffix(" fp32") for one in specs})  # as it was before precision was said


def kind(spec: Spec) -> str:
    """What decides which kernels are the faster ones, and how packs share a GPU."""
    return f"{spec.dataset} {spec.model} {spec.width} {spec.norm} {spec.batch_size} {spec.precision}"
