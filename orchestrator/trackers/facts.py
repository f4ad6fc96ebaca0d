"""What trackers are told, made from what the results folder holds. Pure but for `sweep_facts`."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from orchestrator.grid.trial import PARENT, digest
from orchestrator.results.records import EpochRecord, Identity, Result, SweepRecord
from orchestrator.results.store import Store
from orchestrator.trackers.protocol import Epoch, Scalar, SweepFacts, TrialFacts

_METRICS = (
    "train_loss",
    "train_error",
    "test_error",
    "val_error",
    "learning_rate",
    "seconds",
    "images_per_second",
)
_SUMMARY = (
    "status",
    "test_error",
    "test_error_median5",
    "val_error",
    "val_error_median5",
    "train_error",
    "train_loss",
    "epochs_run",
    "diverged_at",
    "train_seconds",
    "images_per_second",
    "started",
    "finished",
    "worker",
    "device",
)


def sweep_facts(store: Store, sweep: SweepRecord) -> SweepFacts:
    """Of a sweep on a disk the folder is its own, else one of its name below results/ here."""
    name = sweep["name"]
    key = digest({"name": name, "created": sweep.get("created", "")})[:8]
    here = Path(store.files.root) if store.files.local else Path("results").absolute() / slug(name)
    return SweepFacts(name, sweep.get("description", ""), key, store.url, here)


def trial_facts(trial_id: str, identity: Identity, sweep: SweepFacts) -> TrialFacts:
    cell = {name: value for name, value in identity.items() if name not in {"seed", PARENT}}
    named = re.sub(r"-s\d+-[0-9a-f]{12}$", "", trial_id)
    run_id = f"{sweep.key}-{digest(identity)}"
    return TrialFacts(trial_id, run_id, f"{named}-{digest(cell)[:6]}", identity)


def epoch_of(record: EpochRecord) -> Epoch:
    """What is not finite is left out: a diverged trial's loss is no number."""
    values = {name: record.get(name) for name in _METRICS}
    metrics = {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    return Epoch(record["epoch"], float(record.get("ended", 0.0)), metrics)


def summary_of(result: Result) -> dict[str, Scalar]:
    values: Mapping[str, object] = {**result}
    return {name: value for name in _SUMMARY if isinstance(value := values.get(name), str | int | float)}


def slug(text: str) -> str:
    """Of a name what is safe in a file's name, and in a project's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:60] or "sweep"
