"""A pack of two seeds for a worker, on the tiny images."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.execution.assignment import Assignment
from orchestrator.grid.trial import Trial
from orchestrator.planning.plan import Pack
from tests.helpers.tiny import trial

TRIALS = [trial(seed=s) for s in (1, 2)]


def assignment(
    folder: Path,
    images: Path,
    trials: Sequence[Trial] = TRIALS,
    *,
    device: str = "cpu",
    fingerprint: str | None = None,
) -> Assignment:
    return Assignment(
        Pack(tuple(trials)),
        results=str(folder),
        data_dir=str(images),
        train_size=20,
        device=device,
        threads=1,
        max_failures=3,
        fingerprint=fingerprint,
    )
