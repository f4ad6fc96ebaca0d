"""The log of a sweep, told from what its folder holds: runs, epochs of packs, results, failures. Pure."""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict

from orchestrator.cli import duration
from orchestrator.results.records import EpochRecord, SweepRecord
from orchestrator.results.trial_state import TrialState

#: What a pack of these trials is called.
Name = Callable[[Sequence[str]], str]
_EPOCHS = 40  # of each trial, the last: a log shows what is new


class Event(TypedDict):
    """Something that happened. `time`: Unix seconds."""

    time: float
    kind: Literal["run", "epoch", "done", "diverged", "failed"]
    text: str


def events(sweep: SweepRecord, states: Mapping[str, TrialState], name: Name, most: int) -> list[Event]:
    """The `most` latest events, the last one first. What seeds of a pack do together is one event."""
    lately = latest(states.values(), most)
    found = [*_runs(sweep), *_epochs(lately, name), *_ends(lately, name)]
    return heapq.nlargest(most, found, key=lambda event: event["time"])


def latest(states: Iterable[TrialState], most: int) -> list[TrialState]:
    """The trials of the `most` packs that did something last: each did at least one thing, so theirs are the
    latest events."""
    packs: dict[tuple[str, ...], list[TrialState]] = {}
    for state in states:
        packs.setdefault(tuple(state.pack), []).append(state)
    last = heapq.nlargest(most, packs.values(), key=lambda own: max(map(_last_sign, own)))
    return [state for own in last for state in own]


def _last_sign(state: TrialState) -> float:
    ended = state.records[-1].get("ended", 0.0) if state.records else 0.0
    finished = _seconds(state.result.get("finished")) if state.result else 0.0
    failed = _seconds(state.failure.get("time")) if state.failure else 0.0
    return max(ended, finished, failed)


def error_of(record: EpochRecord) -> float | None:
    """What the trial is judged on, in percent."""
    test = record.get("test_error")
    return record.get("val_error") if test is None else test


def _runs(sweep: SweepRecord) -> Iterator[Event]:
    runs = sweep.get("runs", [])
    for run in runs if isinstance(runs, list) else ():  # what a reader can do without is not checked
        try:
            planned = f"{run['trials']:d} trials in {run['packs']:d} packs"
            estimate = run["estimate_seconds"]
            text = f"a run began: {planned}" + ("" if estimate is None else f", about {duration(estimate)}")
            yield {"time": float(run["begun"]), "kind": "run", "text": text}
        except (KeyError, TypeError, ValueError, OverflowError):
            continue


def _epochs(states: Iterable[TrialState], name: Name) -> Iterator[Event]:
    together: dict[tuple[tuple[str, ...], int], list[EpochRecord]] = {}
    for state in states:
        for record in state.records[-_EPOCHS:]:
            together.setdefault((tuple(state.pack), record["epoch"]), []).append(record)
    for (pack, epoch), records in together.items():
        errors = [error for record in records if (error := error_of(record)) is not None]
        said = f", error {math.fsum(errors) / len(errors):.2f}%" if errors else ""
        ended = max(record.get("ended", 0.0) for record in records)
        yield {"time": ended, "kind": "epoch", "text": f"{name(pack)}: epoch {epoch}{said}"}


def _ends(states: Iterable[TrialState], name: Name) -> Iterator[Event]:
    together: dict[tuple[tuple[str, ...], str, float], list[str]] = {}
    for state in states:
        if state.result is not None:
            key = (tuple(state.pack), state.status, _seconds(state.result.get("finished")))
            together.setdefault(key, []).append(state.trial_id)
        elif state.failure is not None:
            text = f"{name([state.trial_id])}: attempt {state.attempts} failed: {state.failure.get('error')}"
            yield {"time": _seconds(state.failure.get("time")), "kind": "failed", "text": text}
    for (_, status, time), trial_ids in together.items():
        kind: Literal["diverged", "done"] = "diverged" if status == "diverged" else "done"
        yield {"time": time, "kind": kind, "text": f"{name(trial_ids)}: {kind}"}


def _seconds(text: str | None) -> float:
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return 0.0
