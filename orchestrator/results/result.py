"""What result.json holds, made from a trial's history alone. Pure.

Because nothing else is needed, a result that was damaged after its trial had finished is made again
and not trained again: see `orchestrator.results.repair`.
"""

from datetime import UTC, datetime
from statistics import median
from typing import Literal, TypeGuard, cast

from orchestrator.grid.trial import Trial
from orchestrator.results.codes import codes_of
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import EpochRecord, History, Result

_LAST = 5  # epochs of the median that Wu & He report (2018, section 4.1)


def result(trial: Trial, notes: History) -> Result:
    """`notes`: the whole history, an entry for each epoch.

    A loss that is no longer finite means that the trial diverged: a result, not a crash.
    """
    history, pack = notes["epochs"], notes["pack"]
    last = history[-1]
    diverged = next((entry["epoch"] for entry in history if _diverged(entry)), None)
    seconds = sum(entry["seconds"] for entry in history)
    share = sum(entry["seconds"] / entry.get("replicas", len(pack)) for entry in history)
    images = sum(entry["seconds"] * entry["images_per_second"] for entry in history)
    identity = {k: v for k, v in trial.identity.items() if k != "protocol"}
    content = {
        "trial_id": trial.trial_id,
        "status": "done" if diverged is None else "diverged",
        **identity,
        "test_error": last["test_error"],
        "test_error_median5": _median(history, "test_error"),
        "val_error": last["val_error"],
        "val_error_median5": _median(history, "val_error"),
        "train_error": last["train_error"],
        "train_loss": last["train_loss"],
        "epochs_run": last["epoch"],
        "diverged_at": diverged,
        "train_seconds": round(share, 3),
        "pack_seconds": round(seconds, 3),
        "images_per_second": round(images / seconds, 2) if seconds else None,
        "pack": pack,
        "started": _iso(history[0]["ended"] - history[0]["seconds"]),
        "finished": _iso(last["ended"]),
        "worker": last["worker"],
        "device": last["device"],
        "provenance": notes.get("provenance") or {},
        "code": codes_of(history),
        **({"stretches": notes["stretches"]} if "stretches" in notes else {}),
    }
    return cast(Result, content)  # with the identity, whose fields are the axes


def is_whole(history: JsonObject, epochs: int) -> TypeGuard[History]:
    """Whether a history has every one of `epochs` epochs, once and in order."""
    entries = history.get("epochs", [])
    return [entry.get("epoch") for entry in entries] == list(range(1, epochs + 1))


def _diverged(entry: EpochRecord) -> bool:
    """Whether the loss, or what the network says of the evaluation set, is no longer finite."""
    return entry["train_loss"] is None or (entry["test_error"] is None and entry["val_error"] is None)


def _median(history: list[EpochRecord], key: Literal["test_error", "val_error"]) -> float | None:
    values = [entry[key] for entry in history[-_LAST:]]
    known = [value for value in values if value is not None]
    return float(median(known)) if len(known) == len(values) else None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
