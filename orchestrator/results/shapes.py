"""Whether a whole JSON file is what its name says: one from a stranger can hold anything.

What a file has to be stands in `orchestrator.results.records`; what it holds beside that is nobody's
business here, since newer versions add to it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import Failure, History, Identity, LockNote, Result, SweepRecord

_STRICT = ConfigDict(strict=True)  # a number in quotes is no number


def _adapter(record: Any) -> TypeAdapter[Any]:
    record.__pydantic_config__ = _STRICT
    return TypeAdapter(record)


#: By file.
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    "sweep.json": _adapter(SweepRecord),
    "history.json": _adapter(History),
    "result.json": _adapter(Result),
    "failure.json": _adapter(Failure),
    "lock.json": _adapter(LockNote),
    "trial.json": TypeAdapter(Identity, config=_STRICT),
}


def holds(name: str, value: JsonObject) -> bool:
    """Whether a file of this name, without its folder, may hold the mapping."""
    try:
        _ADAPTERS[name].validate_python(value)
    except ValidationError:
        return False
    return True


def covers(history: Mapping[str, Any], result: Mapping[str, Any] | None) -> bool:
    """Whether a history has every epoch that its result was made of. Without a result there is no telling."""
    epochs = (result or {}).get("epochs_run")
    return not isinstance(epochs, int) or len(history["epochs"]) >= epochs
