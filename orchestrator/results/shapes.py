"""Whether a whole JSON file is what its name says: one from a stranger can hold anything."""

from collections.abc import Mapping
from typing import Any

from orchestrator.results.json_file import JsonObject


def is_sweep(value: JsonObject) -> bool:
    """Enough to be read; a report can be made without the rest."""
    return (
        value.get("format") == 1
        and isinstance(value.get("name"), str)
        and isinstance(value.get("updated"), str)
        and _maps_to_mappings(value.get("trials"))
    )


def can_be_continued(value: JsonObject) -> bool:
    return (
        is_sweep(value)
        and _maps_to_mappings(value.get("data", {}))
        and isinstance(value.get("runs", []), list)
    )


def _maps_to_mappings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def _is_history(value: JsonObject) -> bool:
    pack, epochs = value.get("pack"), value.get("epochs")
    return (
        isinstance(pack, list)
        and all(isinstance(trial_id, str) for trial_id in pack)
        and isinstance(epochs, list)
        and all(isinstance(entry, dict) and isinstance(entry.get("epoch"), int) for entry in epochs)
    )


def _is_result(value: JsonObject) -> bool:
    numbers = (value.get(key) for key in ("test_error", "val_error", "train_seconds", "images_per_second"))
    return value.get("status") in {"done", "diverged"} and all(
        number is None or isinstance(number, (int, float)) for number in numbers
    )


def _is_failure(value: JsonObject) -> bool:
    return isinstance(value.get("attempts", 1), int)


def covers(history: Mapping[str, Any], result: Mapping[str, Any] | None) -> bool:
    """Whether a history has every epoch that its result was made of. Without a result there is no telling."""
    epochs = (result or {}).get("epochs_run")
    return not isinstance(epochs, int) or len(history["epochs"]) >= epochs


#: By file of a trial.
SHAPES = {"history.json": _is_history, "result.json": _is_result, "failure.json": _is_failure}
