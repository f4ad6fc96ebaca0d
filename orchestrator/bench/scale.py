"""How the driver's share grows with the sweep. It must not bend upward.

A sweep of 10,000 trials is a different test from one of 1,000: whatever looks at all trials for each trial
is invisible in the small one and rules the large one. So sweeps of several sizes run on a Ray cluster of
several nodes, and each is looked at twice: as a whole, and in slices of trials in the order in which they
ended. A slice has its wall clock, less the training in it (which its histories have, divided by the cores
that shared it), the driver's own processor time, which other work on the machine does not touch, and the
driver's memory at its end. What is before the first trial and after the last is told apart from both.
"""

import itertools
import os
import statistics
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError
from model.machine import cores
from orchestrator.bench import tiny_sweep
from orchestrator.bench.nodes import local_nodes
from orchestrator.bench.tiny_sweep import Ran, Sample
from orchestrator.grid.parse import find
from orchestrator.results.store import Store

SLICE = 500


@dataclass(frozen=True)
class Slice:
    """Trials `first` to `last` (from 1) in the order in which they ended. Milliseconds a trial: `wall` beside
    training, `cpu` of the driver. `memory`: the driver's at the slice's end, MB. `load`: the machine's."""

    first: int
    last: int
    wall: float
    cpu: float
    memory: float
    load: float


@dataclass(frozen=True)
class Size:
    """A sweep. `start`: seconds from the command to the first trial's end; `end`: from the last trial's to
    the exit; `each`: milliseconds a trial beside training, start and end included; `peak`: driver, MB."""

    trials: int
    nodes: int
    start: float
    end: float
    each: float
    cpu: float
    peak: float
    load: float
    slices: tuple[Slice, ...]


def measure(
    nodes: int, sizes: Sequence[int], say: Callable[[str], None], *, width: int = SLICE
) -> list[Size]:
    """A sweep of each size on a cluster of `nodes` nodes of one CPU; `say` gets lines as they come.
    Raises InputError."""
    measured = []
    for count in sizes:
        # A short name: Ray puts sockets below it, whose names are limited to 107 characters.
        with tempfile.TemporaryDirectory(prefix="ns-", dir="/tmp" if os.path.isdir("/tmp") else None) as name:
            size = one(nodes, count, Path(name), width)
        for line in lines(size):
            say(line)
        measured.append(size)
    return measured


def one(nodes: int, count: int, folder: Path, width: int = SLICE) -> Size:
    """A sweep of at least `count` trials in the empty `folder`. Raises InputError."""
    grid = tiny_sweep.grid(folder, "tiny", count, epochs=1, sizes=(tiny_sweep.IMAGES,))
    results = str(folder / "tiny")
    with local_nodes(nodes, 1, folder) as address:
        ran = tiny_sweep.run(grid, folder, results, "--pack", "1", "--address", address)
    last = [
        state.history["epochs"][-1]
        for state in Store(results).scan(history=True).values()
        if state.result and state.history
    ]
    if len(last) != len(find(str(grid)).trials()):
        raise InputError(f"only {len(last)} of the tiny trials finished")
    shared = min(nodes, cores())
    return summarise(ran, [(entry["ended"], entry["seconds"]) for entry in last], nodes, shared, width)


def summarise(
    ran: Ran, trials: Sequence[tuple[float, float]], nodes: int, cores: int, width: int = SLICE
) -> Size:
    """`trials`: when each ended (Unix seconds) and how long it trained; `cores` that shared the training."""
    ordered = sorted(trials)
    training = sum(seconds for _, seconds in ordered) / cores
    return Size(
        trials=len(ordered),
        nodes=nodes,
        start=ordered[0][0] - ran.begun,
        end=ran.begun + ran.seconds - ordered[-1][0],
        each=1000 * (ran.seconds - training) / len(ordered),
        cpu=1000 * max((sample.cpu for sample in ran.samples), default=0.0) / len(ordered),
        peak=ran.peak,
        load=statistics.fmean(sample.load for sample in ran.samples) if ran.samples else 0.0,
        slices=tuple(_slices(ran.samples, ordered, cores, width)),
    )


def _slices(
    samples: Sequence[Sample], ordered: Sequence[tuple[float, float]], cores: int, width: int
) -> Iterator[Slice]:
    """A slice goes from the end of one trial to that of another; the first trial's own time is start-up."""
    bounds = [*range(0, len(ordered) - 1, width), len(ordered) - 1]
    for first, last in itertools.pairwise(bounds):
        begun, ended, count = ordered[first][0], ordered[last][0], last - first
        training = sum(seconds for _, seconds in ordered[first + 1 : last + 1]) / cores
        within = [sample for sample in samples if begun <= sample.time <= ended]
        at_end = _at(samples, ended)
        yield Slice(
            first=first + 1,
            last=last + 1,
            wall=1000 * (ended - begun - training) / count,
            cpu=1000 * (at_end.cpu - _at(samples, begun).cpu) / count,
            memory=at_end.memory,
            load=statistics.fmean(sample.load for sample in within) if within else at_end.load,
        )


def _at(samples: Sequence[Sample], moment: float) -> Sample:
    """The first sample not before `moment`, else the last."""
    if not samples:
        return Sample(moment, 0.0, 0.0, 0.0, 0.0)
    return samples[min(bisect_left([sample.time for sample in samples], moment), len(samples) - 1)]


def lines(size: Size) -> Iterator[str]:
    """For a person."""
    yield (
        f"{size.trials:6,} trials on {size.nodes} nodes: {size.each:6.1f} ms each beside training, "
        f"{size.cpu:5.1f} ms of the driver's processor time, peak {size.peak:,.0f} MB "
        f"(first trial after {size.start:.1f} s, exit {size.end:.1f} s after the last; load {size.load:.1f})"
    )
    for part in size.slices:
        yield (
            f"  {part.first:6,} to {part.last:6,}: {part.wall:6.1f} ms each, {part.cpu:5.1f} ms processor, "
            f"{part.memory:5,.0f} MB, load {part.load:.1f}"
        )
