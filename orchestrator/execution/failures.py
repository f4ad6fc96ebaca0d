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


#: How torch and CUDA's libraries say that memory ran out. Within a capture or a library call it is told as
#: that call's failure; cuDNN, whose every plan wants memory for its work, finds no plan that it can run.
_OUT_OF_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cudaerrormemoryallocation",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cudnn_status_internal_error",
    "allocation_failed",
    "unable to find an engine to execute this computation",
)


def out_of_memory(error: BaseException) -> bool:
    """Whether host or device memory ran out: this error says so, or one that it came of."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        waiting += [one.__cause__, one.__context__]
        text = str(one).lower()
        if isinstance(one, MemoryError) or any(words in text for words in _OUT_OF_MEMORY):
            return True
    return False
