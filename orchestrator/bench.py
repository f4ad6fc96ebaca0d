"""`python -m orchestrator.bench`: what the orchestrator itself costs on this machine.

Whose time is it? A sweep's wall clock is training, which `model.bench` measures, and everything else.
Here is everything else, through the commands that a person types, each in a process of its own:

- *trials*: a sweep of tiny trials through Ray. The real workers run, and not a stand-in that trains nothing,
  because a stand-in would leave out what is dear: loading torch, building a network, checkpoints and
  weights on a disk. Each trial is one step on eight images of 8×8 pixels; the seconds of its epoch, which
  its history has, are training, and are taken off the wall clock, divided by the workers that shared
  them. What is left, start of Ray and report included, is divided by the trials.
- *plan*: the grid, the ids, the scan of an empty folder, packs, their order and the estimate.
- *rerun*: the command of a finished sweep given again, from the start of the process to its exit, report
  and results.csv written. Its histories are invented, in the form that training gives them.

Memory is the driver's own peak (VmHWM); workers and Ray's own processes are none of it.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.errors import InputError
from orchestrator.grid import find
from orchestrator.outcome import result
from orchestrator.plan import by_length, make_plan, makespan
from orchestrator.provenance import provenance
from orchestrator.store import Store
from orchestrator.trial import Trial

_BATCH_SIZES = (2, 4, 8)
_IMAGES = 8
_GRID = """\
blocks:
  - {{dataset: imagefolder, norm: bn, batch_size: {sizes}, epochs: {epochs}, seeds: {seeds}}}
  - {{dataset: imagefolder, norm: gn, groups: 8, batch_size: {sizes}, epochs: {epochs}, seeds: {seeds}}}
"""


@dataclass(frozen=True)
class Row:
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


# -- the parts -----------------------------------------------------------------------------------------


def tiny_trials(count: int, folder: Path) -> list[Row]:
    """Milliseconds a trial beside its training, and the driver's memory. `folder`: empty, for all files."""
    grid = _grid(folder, "tiny", count, epochs=1, sizes=(_IMAGES,))
    results = str(folder / "tiny")
    seconds, peak = _sweep(grid, folder, results, "--pack", "1")
    done = [state.result for state in Store(results).scan().values() if state.result]
    if len(done) != len(find(str(grid)).trials()):
        raise InputError(f"only {len(done)} of the tiny trials finished; see {results}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    training = sum(entry["pack_seconds"] for entry in done) / cores
    each = 1000 * (seconds - training) / len(done)
    return [
        Row("a tiny trial through Ray, beside its training", len(done), each, "ms", 60.0),
        *_memory("driver's memory, tiny trials", len(done), peak),
    ]


def plan(count: int, folder: Path) -> list[Row]:
    """Seconds from a grid's text to an ordered plan, with a pace that is known."""
    path = _grid(folder, "plan", count, epochs=100, sizes=(2, 4, 8, 16, 32))
    begun = time.perf_counter()
    trials = find(str(path)).trials()
    made = make_plan(trials, Store(str(folder / "empty")).scan(), pack_size=lambda _: 5, max_failures=3)
    made = by_length(made, lambda spec, replicas: 50.0 * replicas * spec.batch_size, lambda _: 50_000)
    makespan(made.seconds, 2)
    seconds = time.perf_counter() - begun
    return [Row("a plan", len(trials), seconds, "s", 2.0)]


def rerun(count: int, epochs: int, folder: Path) -> list[Row]:
    """Seconds and driver memory of a finished sweep's command given again."""
    path = _grid(folder, "finished", count, epochs=epochs)
    results = str(folder / "finished")
    trials = find(str(path)).trials()
    _finish(Store(results), trials, epochs)
    seconds, peak = _sweep(path, folder, results)
    return [
        Row("a finished sweep run again", len(trials), seconds, "s", 10.0),
        *_memory("driver's memory, finished sweep", len(trials), peak),
    ]


# -- what they are made of -----------------------------------------------------------------------------


def _grid(folder: Path, name: str, trials: int, *, epochs: int, sizes: Sequence[int] = _BATCH_SIZES) -> Path:
    """A grid file of two norms with at least `trials` trials."""
    seeds = math.ceil(trials / (2 * len(sizes)))
    path = folder / f"{name}.yaml"
    path.write_text(_GRID.format(sizes=list(sizes), epochs=epochs, seeds=seeds), encoding="utf-8")
    return path


def _images(folder: Path) -> Path:
    """An image folder of two classes, eight images each of 8×8 pixels in both splits."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (2, 2, _IMAGES // 2, 8, 8, 3), dtype=np.uint8)
    for split, split_pixels in zip(("train", "test"), pixels, strict=True):
        for label, class_pixels in enumerate(split_pixels):
            target = folder / "images" / split / f"class{label}"
            target.mkdir(parents=True, exist_ok=True)
            for index, image in enumerate(class_pixels):
                Image.fromarray(image).save(target / f"{index}.png")
    return folder / "images"


def _finish(store: Store, trials: Sequence[Trial], epochs: int) -> None:
    """Write what finished trials leave behind, but for their weights, which nothing here reads."""
    facts = provenance("cpu")
    store.open(trials)
    for number, trial in enumerate(trials):
        pack, begun = [trial.trial_id], 1.7e9 + 4.0 * epochs * number
        history = [_entry(trial, epoch, epochs, begun) for epoch in range(1, epochs + 1)]
        notes: dict[str, Any] = {"pack": pack, "provenance": facts, "epochs": history}
        store.write_history(trial.trial_id, notes)
        store.write_weights(trial.trial_id, b"")
        store.write_result(trial.trial_id, result(trial, history, pack, facts))


def _entry(trial: Trial, epoch: int, epochs: int, begun: float) -> dict[str, Any]:
    error = 10 + 80 * math.exp(-5 * epoch / epochs) + math.sin(trial.seed * 12.9898 + epoch)
    return {
        "epoch": epoch,
        "learning_rate": 0.1 * trial.batch_size / 32,
        "train_loss": error / 30,
        "train_error": error * 0.9,
        "test_error": error,
        "val_error": None,
        "seconds": 3.9876,
        "images_per_second": 205.12,
        "ended": round(begun + 4.0 * epoch, 3),
        "worker": f"{platform.node()}/{1000 + trial.seed % 2}",
        "device": "cpu",
    }


def _sweep(grid: Path, folder: Path, results: str, *options: str) -> tuple[float, float]:
    """`python -m orchestrator.run` in a process of its own: seconds from start to exit, peak memory in MB."""
    where = ["--grid", str(grid), "--data-dir", str(_images(folder)), "--results", results]
    command = [sys.executable, "-m", "orchestrator.run", *where, *options]
    log = folder / f"{grid.stem}.log"
    environment = {**os.environ, "NORMSWEEP_CACHE": str(folder / "cache"), "RAY_ADDRESS": ""}
    with log.open("wb") as out:
        begun, peak = time.perf_counter(), 0.0
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        while (code := process.poll()) is None:
            peak = max(peak, _peak(process.pid))
            time.sleep(0.01)
        seconds = time.perf_counter() - begun
    if code:
        tail = " ".join(log.read_text(errors="replace").split())[-300:]
        raise InputError(f"the sweep ended with exit code {code}: {tail}")
    return seconds, peak


def _memory(name: str, trials: int, peak: float) -> list[Row]:
    return [Row(name, trials, peak, "MB", 400.0)] if peak else []


def _peak(pid: int) -> float:
    """The most memory in MB that a process has held so far; 0 where that cannot be seen."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


# -- the command line ----------------------------------------------------------------------------------


def measure(sizes: Sizes, say: Callable[[str], None]) -> list[Row]:
    """All parts; `say` gets a line as each is done. Raises InputError."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="normsweep-bench-") as name:
        folder = Path(name)
        parts: list[Callable[[], list[Row]]] = [
            lambda: plan(sizes.plan, folder),
            lambda: rerun(sizes.rerun, sizes.epochs, folder),
            lambda: tiny_trials(sizes.trials, folder),
        ]
        for part in parts:
            for row in part():
                say(_line(row))
                rows.append(row)
    return rows


def _line(row: Row) -> str:
    verdict = "" if row.value <= row.target else "  ABOVE"
    value = f"{row.value:9.2f} {row.unit:2}"
    return f"{row.name:46} {row.trials:6,} trials {value}  target {row.target:g} {row.unit}{verdict}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m orchestrator.bench", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="few trials: does it work, not how fast is it")
    parser.add_argument("--json", action="store_true", help="rows as JSON on standard output")
    options = parser.parse_args(arguments)
    out = sys.stderr if options.json else sys.stdout
    try:
        rows = measure(QUICK if options.quick else Sizes(), lambda line: print(line, file=out, flush=True))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
