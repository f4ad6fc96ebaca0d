"""`python -m orchestrator.bench`: what the orchestrator itself costs on this machine.

Whose time is it? A sweep's wall clock is training, which `model.bench` measures, and everything else.
Here is everything else, through the commands that a person types, each in a process of its own:

- *starts*: of `normsweep`, where it needs no torch.
- *trials*: a sweep of tiny trials through Ray (`tiny_sweep`). The seconds of a trial's epoch,
  which its history has, are training, and are taken off the wall clock, divided by the workers that shared
  them. What is left, start of Ray and report included, is divided by the trials.
- *plan*: the grid, the ids, the scan of an empty folder, packs, their order and the estimate.
- *rerun*: the command of a finished sweep given again, from the start of the process to its exit, report
  and results.csv written. Its histories are invented, in the form that training gives them.

With `--nodes`: how all that grows with the sweep, on a cluster of several nodes (`orchestrator.bench.scale`).
With `--finished`: what reading a large sweep costs that is done (`orchestrator.bench.finished`).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from model.command import command, leave
from model.errors import InputError
from model.machine import cores
from orchestrator.bench import finished, scale, tiny_sweep
from orchestrator.bench.arguments import parser
from orchestrator.bench.finished import write_finished
from orchestrator.grid.parse import find
from orchestrator.planning.order import makespan
from orchestrator.planning.plan import by_length, make_plan
from orchestrator.results.records import DataFacts
from orchestrator.results.store import Store


@dataclass(frozen=True)
class Measurement:
    """One figure and what it should be at most."""

    name: str
    trials: int
    value: float
    unit: str
    target: float


@dataclass(frozen=True)
class Sizes:
    """How many trials each part has; `epochs`: of a finished trial's history."""

    trials: int = 1000
    plan: int = 10_000
    rerun: int = 1000
    epochs: int = 100


QUICK = Sizes(trials=8, plan=600, rerun=20, epochs=5)
_STARTS = 10
_MOST_NODES = 64  # on one machine
SCALE = (100, 1000, 3000, 10_000)


# -- the parts -----------------------------------------------------------------------------------------


def tiny_trials(count: int, folder: Path) -> list[Measurement]:
    """Milliseconds a trial beside its training, and the driver's memory. `folder`: empty, for all files."""
    grid = tiny_sweep.grid(folder, "tiny", count, epochs=1, sizes=(tiny_sweep.IMAGES,))
    results = str(folder / "tiny")
    ran = tiny_sweep.run(grid, folder, results, "--pack", "1")
    done = [state.result for state in Store(results).scan().values() if state.result]
    if len(done) != len(find(str(grid)).trials()):
        raise InputError(f"only {len(done)} of the tiny trials finished; see {results}")
    training = sum(entry["pack_seconds"] for entry in done) / cores()
    each = 1000 * (ran.seconds - training) / len(done)
    return [
        Measurement("a tiny trial through Ray, beside its training", len(done), each, "ms", 60.0),
        *_memory("driver's memory, tiny trials", len(done), ran.peak),
    ]


def starts(folder: Path) -> list[Measurement]:
    """Seconds of commands that need no torch, from start to exit: medians of `_STARTS`."""
    trials = find(str(tiny_sweep.grid(folder, "small", 6, epochs=5))).trials()
    results = str(folder / "small")
    write_finished(Store(results), trials, epochs=5)
    facts: DataFacts = {"fingerprint": "", "train_size": tiny_sweep.IMAGES, "test_size": tiny_sweep.IMAGES}
    Store(results).declare("small", trials, data={"imagefolder": facts})
    rows = []
    for words, count in ((["--help"], 0), (["run", "--help"], 0), (["axes"], 0), (["status", results], 6)):
        command = [sys.executable, "-c", "from orchestrator.normsweep import main; main()", *words]
        seconds = [_seconds(command) for _ in range(_STARTS)]
        name = f"normsweep {' '.join(words[:2]).replace(results, 'RESULTS')}"
        rows.append(Measurement(name, count, statistics.median(seconds), "s", 0.3))
    return rows


def _seconds(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def plan(count: int, folder: Path) -> list[Measurement]:
    """Seconds from a grid's text to an ordered plan, with a throughput that is known."""
    path = tiny_sweep.grid(folder, "plan", count, epochs=100, sizes=(2, 4, 8, 16, 32))
    begun = time.perf_counter()
    trials = find(str(path)).trials()
    made = make_plan(trials, Store(str(folder / "empty")).scan(), pack_size=lambda _: 5, max_failures=3)
    made = by_length(made, lambda spec, replicas: 50.0 * replicas * spec.batch_size, lambda _: 50_000)
    makespan(made.seconds, 2)
    seconds = time.perf_counter() - begun
    return [Measurement("a plan", len(trials), seconds, "s", 2.0)]


def rerun(count: int, epochs: int, folder: Path) -> list[Measurement]:
    """Seconds and driver memory of a finished sweep's command given again."""
    path = tiny_sweep.grid(folder, "finished", count, epochs=epochs)
    results = str(folder / "finished")
    trials = find(str(path)).trials()
    write_finished(Store(results), trials, epochs)
    ran = tiny_sweep.run(path, folder, results)
    return [
        Measurement("a finished sweep run again", len(trials), ran.seconds, "s", 10.0),
        *_memory("driver's memory, finished sweep", len(trials), ran.peak),
    ]


def _memory(name: str, trials: int, peak: float) -> list[Measurement]:
    return [Measurement(name, trials, peak, "MB", 400.0)] if peak else []


# -- the command line ----------------------------------------------------------------------------------


def measure(sizes: Sizes, say: Callable[[str], None]) -> list[Measurement]:
    """All parts; `say` gets a line as each is done. Raises InputError."""
    rows: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="normsweep-bench-") as name:
        folder = Path(name)
        parts: list[Callable[[], list[Measurement]]] = [
            lambda: starts(folder),
            lambda: plan(sizes.plan, folder),
            lambda: rerun(sizes.rerun, sizes.epochs, folder),
            lambda: tiny_trials(sizes.trials, folder),
        ]
        for part in parts:
            for row in part():
                say(_line(row))
                rows.append(row)
    return rows


def _line(row: Measurement) -> str:
    verdict = "" if row.value <= row.target else "  ABOVE"
    value = f"{row.value:9.2f} {row.unit:2}"
    return f"{row.name:46} {row.trials:6,} trials {value}  target {row.target:g} {row.unit}{verdict}"


@command
def main(arguments: Sequence[str] | None = None) -> int:
    own = parser()
    options = own.parse_args(arguments)
    if options.trials and not options.nodes:
        own.error("--trials needs --nodes")
    if options.nodes and (len(options.nodes) > 1 or options.nodes[0] > _MOST_NODES):
        own.error(f"--nodes: expected one number, at most {_MOST_NODES}")
    out = sys.stderr if options.json else sys.stdout

    def say(line: str) -> None:
        print(line, file=out, flush=True)

    rows: Sequence[Measurement | scale.Size | finished.Read]
    if options.finished:
        rows = finished.measure(options.finished, say)
    elif options.nodes:
        sizes = options.trials or ([8, 16] if options.quick else SCALE)
        rows = scale.measure(options.nodes[0], sizes, say)
    else:
        rows = measure(QUICK if options.quick else Sizes(), say)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    leave(main)
