"""What a sweep.json says of the searches of its sweep, which anybody may have written."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from model.spec import PER_REPLICA
from orchestrator.results.records import CandidateRecord, TuningRecord
from orchestrator.results.shapes import holds


def tuning_record(facts: Mapping[str, Any]) -> TuningRecord | None:
    """The searches of a parsed sweep.json; None where there are none, or none that can be read."""
    found = facts.get("tuning")
    if not isinstance(found, dict) or not holds("tuning", found):
        return None
    record = cast(TuningRecord, found)
    return record if record["searches"] and all(map(_whole, record["searches"])) else None


def _whole(search: Sequence[CandidateRecord]) -> bool:
    """Whether all its candidates have values of the same axes, which are axes that can be searched."""
    axes = {tuple(sorted(one["values"])) for one in search}
    return len(axes) == 1 and len(next(iter(axes))) > 0 and set(next(iter(axes))) <= set(PER_REPLICA)


def uses(record: TuningRecord | None, declared: Mapping[str, object]) -> dict[str, str]:
    """Trial id -> what the search makes of it, as the column `tuning` of a frame has it. `declared`: by id,
    the trials that the sweep consists of now. A trial that would be there without the search has none."""
    found: dict[str, str] = {}
    beside = set(record["beside"]) if record else set()
    for candidate in (one for search in (record["searches"] if record else ()) for one in search):
        found |= dict.fromkeys(candidate["search"], "search")
        for trial_id in candidate["final"]:
            found[trial_id] = "chosen" if trial_id in declared else "unchosen"
    return {trial_id: use for trial_id, use in found.items() if trial_id not in beside}
