"""Where a trial stands, as its files say."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import EpochRecord, Failure, History, Result
from orchestrator.results.shapes import covers, holds

_CHECKPOINT = re.compile(r"checkpoint-(\d{5,})\.pt")
_WITHIN = re.compile(r"midepoch-(\d{5,})-(\d{6,})\.pt")

#: Where training stands: whole epochs that lie behind, and steps of the next one.
Place = tuple[int, int]

Status = Literal["done", "diverged", "failed", "partial", "missing"]


@dataclass(frozen=True)
class TrialState:
    """Where a trial stands.

    `epochs`: the epochs that have a checkpoint, ascending; `within`: where there is one within an epoch.
    `result`, `history`, `failure`: the parsed
    files, None where absent. `history` is only filled by `Store.scan(history=True)` or for unfinished
    trials. `recorded`: there is a history and it was read whole, kept or not, and is
    no shorter than the result says. Of a scan: `weights`, bytes of weights.pt, None where there is none;
    `version` of its files, see `listing`; `sound`: they were all read before and found as they should be.
    """

    trial_id: str
    status: Status
    epochs: tuple[int, ...] = ()
    result: Result | None = None
    history: History | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = field(default=())
    recorded: bool = False
    within: tuple[Place, ...] = ()
    weights: int | None = None
    version: str = field(default="", compare=False)
    sound: bool = field(default=False, compare=False)

    @property
    def finished(self) -> bool:
        return self.result is not None

    @property
    def records(self) -> list[EpochRecord]:
        """The epochs of its history; none where that is not there."""
        return self.history["epochs"] if self.history else []

    @property
    def pack(self) -> list[str]:
        """The trials that it trains with, in order; itself alone where that is not known."""
        source = self.result or self.history
        return (source.get("pack") if source else None) or [self.trial_id]

    @property
    def attempts(self) -> int:
        """Failures so far; one that does not say how many is one."""
        return self.failure.get("attempts", 1) if self.failure else 0


def state_of(trial_id: str, names: set[str], parsed: Mapping[str, JsonObject | ValueError]) -> TrialState:
    """Where a trial stands whose folder holds files of these `names`. `parsed`: those read, by path."""
    warnings: list[str] = []

    def content(name: str) -> JsonObject | None:
        path = f"trials/{trial_id}/{name}"
        value = parsed.get(path)
        if value is None:
            return None
        if not isinstance(value, dict) or not holds(name, value):
            why = f": {value}" if isinstance(value, ValueError) else ""
            warnings.append(f"{path} is damaged and was ignored{why}")
        elif (stranger := other_trial(value, trial_id)) is not None:
            warnings.append(f"{path} is another trial's ({stranger}) and was ignored")
        else:
            return value
        return None

    epochs, within = _epochs(names), _within(names)
    result = cast(Result | None, content("result.json"))
    failure = cast(Failure | None, content("failure.json"))
    history = cast(History | None, content("history.json"))
    status: Status
    if result is not None:
        status = _ended(result)
    elif failure is not None:
        status = "failed"
    else:
        status = "partial" if epochs or within else "missing"
    recorded = history is not None and covers(history, result)
    if history is not None and not recorded:
        warnings.append(f"trials/{trial_id}/history.json has fewer epochs than its result")
    return TrialState(trial_id, status, epochs, result, history, failure, tuple(warnings), recorded, within)


def file_of(place: Place) -> str:
    """The name of the checkpoint that is of there."""
    epochs, steps = place
    return f"midepoch-{epochs + 1:05d}-{steps:06d}.pt" if steps else f"checkpoint-{epochs:05d}.pt"


def sound_state(trial_id: str, names: Iterable[str], result: Result) -> TrialState:
    """Where a finished trial stands with this result, whose files were all read before and are sound."""
    epochs, within = _epochs(names), _within(names)
    return TrialState(trial_id, _ended(result), epochs, result, recorded=True, within=within, sound=True)


def _ended(result: Result) -> Literal["done", "diverged"]:
    return "diverged" if result.get("status") == "diverged" else "done"


def _epochs(names: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted(int(m[1]) for name in names if (m := _CHECKPOINT.fullmatch(name))))


def _within(names: Iterable[str]) -> tuple[Place, ...]:
    return tuple(sorted((int(m[1]) - 1, int(m[2])) for name in names if (m := _WITHIN.fullmatch(name))))


def other_trial(content: Mapping[str, object], trial_id: str) -> str | None:
    """Whose a file is that lies in this trial's folder; None for its own.

    Old files do not say; the pack of theirs must at least have the trial in it.
    """
    said = content.get("trial_id", trial_id)
    if said != trial_id:
        return str(said)[:120]
    pack = content.get("pack")
    if isinstance(pack, list) and pack and trial_id not in pack:
        return str(pack[0])[:120]
    return None
