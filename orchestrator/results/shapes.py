"""Whether a whole JSON file is what its name says: one from a stranger can hold anything.

The types of what it may hold stand in `orchestrator.results.records`. Whatever is there has to have its
type; of what is not there, readers need the few things named here, and make do without the rest, as
with files of older versions. What a file holds beside that is nobody's business: newer versions add to it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NotRequired, Required, cast, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict, get_type_hints, is_typeddict

from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import (
    CandidateRecord,
    EpochRecord,
    EvaluationRecord,
    Failure,
    History,
    Identity,
    LabelsRecord,
    LockNote,
    Result,
    SweepRecord,
    TuningRecord,
)

_STRICT = ConfigDict(strict=True)  # a number in quotes is no number
_NEEDED: Mapping[Any, set[str]] = {
    SweepRecord: {"format", "name", "updated", "trials"},
    History: {"pack", "epochs"},
    EpochRecord: {"epoch"},
    Result: {"status"},
    TuningRecord: {*TuningRecord.__annotations__},
    CandidateRecord: {*CandidateRecord.__annotations__},
    EvaluationRecord: {*EvaluationRecord.__annotations__} - {"provenance"},
    LabelsRecord: {*LabelsRecord.__annotations__},
}


def _lenient(hint: Any, only: set[str] | None = None) -> Any:
    """The same type, whose mappings need no more than `_NEEDED`. `only`: fields that are looked at."""
    if is_typeddict(hint):
        needed = _NEEDED.get(hint, set())
        fields = {
            name: Required[_lenient(field)] if name in needed else NotRequired[_lenient(field)]
            for name, field in get_type_hints(hint, include_extras=True).items()
            if only is None or name in only
        }
        made = cast(Any, TypedDict)(hint.__name__, fields)
        made.__pydantic_config__ = _STRICT
        return made
    inner = get_args(hint)
    if get_origin(hint) in (NotRequired, Required):
        return _lenient(inner[0])
    if get_origin(hint) in (list, dict):
        return get_origin(hint)[tuple(map(_lenient, inner))]
    return hint


#: By file.
_RECORDS: Mapping[str, Any] = {
    "sweep.json": SweepRecord,
    "history.json": History,
    "result.json": Result,
    "failure.json": Failure,
    "lock.json": LockNote,
    "evaluation.json": EvaluationRecord,
    "labels.json": LabelsRecord,
    "trial.json": Identity,
    "tuning": TuningRecord,  # of a sweep.json; none by itself
}


@cache  # made when it is asked for: a command reads two or three kinds of file
def _adapter(name: str) -> TypeAdapter[Any]:
    record = _RECORDS[name]
    if record is Identity:
        return TypeAdapter(record, config=_STRICT)
    return TypeAdapter(_lenient(record))


@cache
def _readable() -> TypeAdapter[Any]:
    """What a reader of a folder needs of it; a run that goes on there needs all that stands there to be
    right."""
    return TypeAdapter(_lenient(SweepRecord, only=_NEEDED[SweepRecord]))


def can_be_read(sweep: JsonObject) -> bool:
    """Whether a report can be made of a sweep.json, whatever its accounts of runs and data are like."""
    return _valid(_readable(), sweep)


def holds(name: str, value: JsonObject) -> bool:
    """Whether a file of this name, without its folder, may hold the mapping."""
    return _valid(_adapter(name), value)


def _valid(adapter: TypeAdapter[Any], value: JsonObject) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def covers(history: Mapping[str, Any], result: Mapping[str, Any] | None) -> bool:
    """Whether a history has every epoch that its result was made of. Without a result there is no telling."""
    epochs = (result or {}).get("epochs_run")
    return not isinstance(epochs, int) or len(history["epochs"]) >= epochs
