"""A pack of two seeds for a worker, on the tiny images."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.execution.worker import Job
from orchestrator.grid.trial import Trial
from tests.helpers.tiny import trial

TRIALS = [trial(seed=s) for s in (1, 2)]


def job(folder: Path, images: Path, trials: Sequence[Trial] = TRIALS, **changes: object) -> Job:
    fields: dict[str, object] = {
        "results": str(folder),
        "trials": tuple(t.identity for t in trials),
        "data_dir": str(images),
        "train_size": 20,
        "device": "cpu",
        "threads": 1,
        "max_failures": 3,
    }
    return Job(**(fields | changes))  # type: ignore[arg-type]
