"""Where a sweep and its trials stand, composed from what its folder holds."""

from collections import Counter
from typing import TypedDict

from model.errors import InputError
from orchestrator.grid.trial import PARENT, Trial
from orchestrator.results.codes import mixture, record_of, trained_by
from orchestrator.results.damage import damage
from orchestrator.results.lock import is_held
from orchestrator.results.parents import held_in, waiting_in_words
from orchestrator.results.records import Identity, LockNote, SweepRecord
from orchestrator.results.store import Store
from orchestrator.results.stretches import changed, changes, stretches_of
from orchestrator.results.trial_state import TrialState

#: In the order in which they are shown.
STATES = ("done", "diverged", "running", "waiting", "failed", "undeclared")


class TrialStatus(TypedDict):
    """Where a trial stands. `epochs`: in all, None where not known. `last_sign`: Unix seconds.

    `code`: digests of the source that trained its epochs, in order, None for epochs that do not say.
    `changes`: of pack, machine, threads or kernels, each with the epoch from which on. `waits_for`: id of the
    failed trial whose weights it is to start from, None where there is none.
    """

    trial_id: str
    state: str
    epoch: int
    epochs: int | None
    worker: str | None
    last_sign: float | None
    error: str | None
    diverged_at: int | None
    code: list[str | None]
    changes: list[str]
    waits_for: str | None


class SweepStatus(TypedDict):
    """Where a sweep stands. `held_by`: the run that holds it, None where none does. `counts`: by state."""

    name: str
    results: str
    updated: str
    held_by: dict[str, object] | None
    counts: dict[str, int]
    trials: list[TrialStatus]
    warnings: list[str]


def status(url: str) -> SweepStatus:
    """Where the sweep at `url` stands. Raises InputError where there is none."""
    store = Store(url)
    store.files.readable()
    sweep = store.sweep()
    if sweep is None:
        raise InputError(f"{url} holds no sweep: there is no sweep.json in it.")
    held = is_held(store.files)
    running = set(held.get("running", ())) if held else set()
    states = store.scan(history=True)
    declared = sweep["trials"]
    parents = {i: str(known[PARENT]) for i, known in declared.items() if known.get(PARENT)}
    waits = held_in(parents, states)
    trials = [
        standing_of(
            trial_id, declared.get(trial_id), states.get(trial_id), sweep, running, waits.get(trial_id)
        )
        for trial_id in [*declared, *sorted(set(states) - set(declared))]
    ]
    counts = Counter(trial["state"] for trial in trials)
    strangers = store.identities(i for i in states if i not in declared)
    mixed = mixture(states.values(), {**declared, **strangers}, record_of({**sweep}))
    moved = changed(states.values())
    return {
        "name": sweep["name"],
        "results": url,
        "updated": sweep["updated"],
        "held_by": holder_of(held),
        "counts": {state: counts[state] for state in STATES},
        "trials": trials,
        "warnings": [
            *(sentence for sentence in (mixed, moved) if sentence),
            *waiting_in_words(waits),
            *(warning for state in states.values() for warning in state.warnings),
            *damage(store, states),
        ],
    }


def holder_of(held: LockNote | None) -> dict[str, object] | None:
    """What is told of the run that holds a sweep."""
    return {k: held.get(k) for k in ("host", "pid", "started", "command", "time")} if held else None


def standing_of(
    trial_id: str,
    identity: Identity | None,
    state: TrialState | None,
    sweep: SweepRecord,
    running: set[str],
    waits_for: str | None,
) -> TrialStatus:
    """Where one trial stands. `identity`: None of one that is no longer declared; `state`: None of one that
    has no folder; `running`: ids of the trials that train now; `waits_for`: see TrialStatus."""
    state = state or TrialState(trial_id, "missing")
    last = state.records[-1] if state.records else None
    if identity is None:
        name = "undeclared"
    elif state.status in {"done", "diverged"}:
        name = state.status
    elif trial_id in running:
        name = "running"
    else:
        name = "failed" if state.status == "failed" else "waiting"
    return {
        "trial_id": trial_id,
        "state": name,
        "epoch": last["epoch"] if last else 0,
        "epochs": _epochs(identity, sweep),
        "worker": last.get("worker") if last else None,
        "last_sign": last.get("ended") if last else None,
        "error": state.failure.get("error") if state.failure else None,
        "diverged_at": state.result.get("diverged_at") if state.result else None,
        "code": list(trained_by(state)),
        "changes": changes(stretches_of({**(state.result or state.history or {})})),
        "waits_for": waits_for,
    }


def _epochs(identity: Identity | None, sweep: SweepRecord) -> int | None:
    """Epochs in all, where this version can still read the trial."""
    if identity is None:
        return None
    try:
        spec = Trial.from_identity(identity).spec
        return spec.total_epochs(int(sweep["data"][spec.dataset]["train_size"]))
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return None
