"""Attempts that failed, counted in the store: a trial is given up by what it did in all runs so far."""

from collections.abc import Sequence
from datetime import UTC, datetime

from orchestrator.execution.assignment import Assignment
from orchestrator.results.store import Store


def given_up(store: Store, assignment: Assignment) -> str | None:
    """The failure of a pack whose attempts are used up, in earlier runs too; None while it may be tried."""
    states = store.states([trial.trial_id for trial in assignment.pack.trials]).values()
    failed = [state for state in states if state.failure and not state.finished]
    worst = max(failed, key=lambda state: state.attempts, default=None)
    if worst is None or worst.failure is None or worst.attempts < assignment.max_failures:
        return None
    return str(worst.failure.get("error"))


def record_failure(store: Store, trial_ids: Sequence[str], error: str, trace: str = "") -> None:
    """Count one more attempt against these trials."""
    for trial_id, state in store.states(trial_ids).items():
        if state.finished:
            continue
        store.write_failure(
            trial_id,
            {
                "attempts": (state.failure.get("attempts", 0) if state.failure else 0) + 1,
                "error": error,
                "traceback": trace,
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )


def out_of_memory(error: BaseException) -> bool:
    """Whether host or device memory ran out; torch says so in several ways."""
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
