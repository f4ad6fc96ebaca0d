"""How many packs a plan puts on each GPU: as somebody says or knows, else by timing packs side by side."""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from model.data.dataset import DataInfo
from model.errors import InputError, summary
from model.queues import quick_switches
from model.spec import Spec
from orchestrator.planning.kernel_timing import Ended, go_on, nobody
from orchestrator.planning.kernels import Chosen
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import (
    Ladder,
    Sharing,
    decide,
    of_one_gpu,
    reaches,
    remembered,
    rungs,
    too_short,
    unshared,
)
from orchestrator.planning.plan import Plan
from orchestrator.planning.resources import NoMachineError, Site
from orchestrator.results.records import RunRecord

_ALONE, _BESIDE = 0.5, 1.5  # seconds of a pack by itself, and of several at once
_MEMORY_SHARE = 0.9  # of what is free


def how_many(
    plan: Plan,
    site: Site,
    options: Options,
    runs: Sequence[RunRecord],
    *,
    known: Ladder | None,
    kept: Ladder | None = None,
    device: str | None,
    climb: Callable[[Sequence[tuple[Spec, int]], Sequence[int]], Ladder],
) -> Sharing | None:
    """How many packs of `plan`, longest first, train at once on each GPU of `site`; None where none does.

    `runs`: of this sweep, before; `known`: from elsewhere, as somebody said; `kept`: of such a plan, on such
    a GPU; `device`: the GPU's name, None where none is up; `climb`: times packs there. Raises InputError.
    """
    each = site.resources
    if not 0 < each.gpus <= 1:
        return None
    ladder = known or remembered(runs, device, {pack.spec for pack in plan.packs})
    if options.share is not None:
        return Sharing(each.packs_per_gpu, "", ladder, device)
    counts = rungs(site, len(plan.packs))
    gpus = max(1, site.slots)
    if counts == (1,):
        return Sharing(1)
    if ladder is None and reaches(kept, counts):
        ladder = kept
    if ladder is None and math.isfinite(alone := sum(plan.seconds) / gpus) and too_short(alone):
        return unshared("it is over before more could be timed")
    try:
        ladder = ladder or climb(of_one_gpu(plan.packs, gpus, counts[-1]), counts)
    except InputError:
        raise
    except Exception as error:  # a plan must not fail by what only makes it faster
        lacks = isinstance(error, NoMachineError)
        why = str(error) if lacks else f"more could not be timed ({summary(error)})"
        return unshared(f"{why}; --packs-per-gpu says how many")
    return replace(decide(ladder.up_to(counts[-1])), device=device)


class Timed(Protocol):
    """A pack in training."""

    def block(self) -> int:
        """Train a while; gives how many images that were."""


def climb(
    rungs: Sequence[int],
    begin: Callable[[int], Timed],
    fits: Callable[[int], bool],
    pace: "Callable[[Sequence[Timed], float], list[float]] | None" = None,
    ended: Ended = nobody,
) -> Ladder:
    """Time so many packs at once as `rungs` say, in rising order, as far as they fit.

    `begin`: starts the pack of this number; `fits`: whether the memory of so many that have begun is there in
    a sweep too; `pace`: images a second of each of several at once; `ended`: asked before each number.
    Raises what goes wrong with one pack alone, and as `go_on`; what goes wrong with more ends the ladder.
    """
    pace = pace or paces
    running, alone, gains = list[Timed](), list[float](), dict[int, float]()
    for count in rungs:
        go_on(ended)
        try:
            while len(running) < count:
                running.append(begin(len(running)))
                alone += pace(running[-1:], _ALONE)
            if count > 1 and not fits(count):
                return Ladder(gains, _no_room(count))
            beside = pace(running, _BESIDE) if count > 1 else alone
        except Exception as error:
            if not gains:
                raise
            memory = "out of memory" in str(error).lower()
            return Ladder(
                gains, _no_room(count) if memory else f"{count} could not be timed ({summary(error)})"
            )
        gains[count] = round(sum(a / b for a, b in zip(beside, alone, strict=True)), 3)
    return Ladder(gains)


def _no_room(count: int) -> str:
    return f"{count} do not fit into its memory"


def paces(
    packs: Sequence[Timed], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Images a second of each of these packs, all at once, for as long as each has company."""
    arrived, lock = [0], threading.Lock()

    def run(pack: Timed) -> float:
        begun, images, rate = clock(), 0, 0.0
        while True:
            images += pack.block()
            spent = clock() - begun
            if not rate and spent >= seconds:
                rate = images / spent
                with lock:
                    arrived[0] += 1
            if (rate and arrived[0] == len(packs)) or spent > 10 * seconds:
                return rate or images / spent

    if len(packs) == 1:
        return [run(packs[0])]
    with quick_switches(), ThreadPoolExecutor(len(packs)) as pool:
        return list(pool.map(run, packs))


def climb_here(
    packs: Sequence[tuple[Spec, int]],
    infos: Mapping[str, DataInfo],
    device: str,
    threads: int,
    rungs: Sequence[int],
    chosen: Chosen,
    ended: Ended = nobody,
) -> Ladder:
    """The same with these cells and so many replicas of each, by their kernels, on a GPU of this machine."""
    import torch

    from model.streams import free_memory
    from model.training.calibrate import Paced, free_bytes

    torch.set_num_threads(threads)
    room = _MEMORY_SHARE * free_bytes(device)
    begun = list[Paced]()

    def begin(number: int) -> Paced:
        spec, replicas = packs[number]
        kernels = chosen.of(spec, alone=False)
        begun.append(Paced(spec, replicas, infos[spec.dataset], device, kernels=kernels))
        return begun[-1]

    try:
        return climb(rungs, begin, lambda count: sum(p.memory for p in begun[:count]) <= room, ended=ended)
    finally:
        begun.clear()
        free_memory()
