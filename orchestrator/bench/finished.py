"""A sweep that is done, with invented numbers in the form that training gives, and what reading it costs.

What is measured are the commands that a person types, each in a process of its own: how long they take from
their start to their exit, and the most memory that they held.
"""

import math
import platform
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from model.errors import InputError
from orchestrator.bench import tiny_sweep
from orchestrator.grid.parse import find
from orchestrator.grid.trial import Trial
from orchestrator.results import json_file
from orchestrator.results.checkpoint import encode_weights
from orchestrator.results.provenance import provenance
from orchestrator.results.records import EpochRecord, History, Provenance
from orchestrator.results.result import result
from orchestrator.results.source import training_code
from orchestrator.results.store import Store
from orchestrator.shadowing import python_m

_EPOCHS = 5
_SIZES = (2, 3, 4, 5, 6, 7, 8)  # of a batch: a cell has 10,000 seeds at most


@dataclass(frozen=True)
class Read:
    """A command given to a finished sweep of so many trials. `cpu`: seconds of processor time; `peak`: MB;
    both 0 where they cannot be seen."""

    command: str
    trials: int
    seconds: float
    cpu: float
    peak: float


def measure(count: int, say: Callable[[str], None]) -> list[Read]:
    """Commands to a finished sweep of at least `count` trials; `say` gets a line each. Raises InputError."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="normsweep-finished-") as name:
        folder, results = Path(name), f"{name}/finished"
        grid = tiny_sweep.grid(folder, "finished", count, epochs=_EPOCHS, sizes=_SIZES)
        trials = find(str(grid)).trials()
        write_finished(Store(results), trials, _EPOCHS)
        where = ["--grid", str(grid), "--data-dir", str(tiny_sweep.images(folder)), "--results", results]
        commands = (
            ("run, the first", python_m("orchestrator.run"), where),
            ("run, once more", python_m("orchestrator.run"), where),
            ("status", python_m("orchestrator.status"), [results]),
            ("status --json", python_m("orchestrator.status"), [results, "--json"]),
            ("report", python_m("analysis.report"), [results]),
        )
        for what, command, options in commands:
            ran, code, said = tiny_sweep.watched([*command, *options], folder / "log", folder)
            if code:
                raise InputError(f"{what} ended with exit code {code}: {said}")
            rows.append(Read(what, len(trials), ran.seconds, ran.cpu, ran.peak))
            say(line(rows[-1]))
    return rows


def line(row: Read) -> str:
    """For a person."""
    took = f"{row.seconds:8.1f} s {row.cpu:8.1f} s of CPU"
    return f"{row.command:20} {row.trials:7,} trials {took} {row.peak:8,.0f} MB"


def write_finished(store: Store, trials: Sequence[Trial], epochs: int) -> None:
    """Write what finished trials leave behind, with weights of one number; faster than a run, which waits
    until each file is on the disk. `store`: of a folder."""
    facts = provenance("cpu")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: _write(store, one[1], epochs, facts, one[0]), enumerate(trials)))


def _write(store: Store, trial: Trial, epochs: int, facts: Provenance, number: int) -> None:
    import torch

    folder = Path(store.files.path(f"trials/{trial.trial_id}"))
    folder.mkdir(parents=True, exist_ok=True)
    begun = 1.7e9 + 4.0 * epochs * number
    history = [_entry(trial, epoch, epochs, begun) for epoch in range(1, epochs + 1)]
    notes: History = {
        "pack": [trial.trial_id],
        "provenance": facts,
        "epochs": history,
        "trial_id": trial.trial_id,
    }
    (folder / "trial.json").write_bytes(json_file.encode(trial.identity))
    (folder / "history.json").write_bytes(json_file.encode(notes))
    (folder / "weights.pt").write_bytes(encode_weights({"bias": torch.zeros(1)}, notes))
    (folder / "result.json").write_bytes(json_file.encode(result(trial, notes)))


def _entry(trial: Trial, epoch: int, epochs: int, begun: float) -> EpochRecord:
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
        "code": training_code().digest,
    }
