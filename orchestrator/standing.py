"""Where a sweep and its trials stand, composed from what its folder holds."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypedDict

from model.errors import InputError
from model.spec import Spec
from orchestrator.display.cell_names import cell_names
from orchestrator.grid.trial import PARENT, Trial
from orchestrator.results.codes import mixture, record_of, trained_by
from orchestrator.results.damage import damage
from orchestrator.results.lock import is_held
from orchestrator.results.parents import held_in, waiting_in_words
from orchestrator.results.records import Identity, LockNote, Result, SweepRecord
from orchestrator.results.store import Store
from orchestrator.results.stretches import changed, changes, stretches_of
from orchestrator.results.trial_state import TrialState

#: In the order in which they are shown.
STATES = ("done", "diverged", "running", "waiting", "failed", "undeclared")


class TrialStatus(TypedDict):
    """Where a trial stands. `cell`: its name among the sweep's, empty where this version cannot read it.
    `epochs`: in all, None where not known. `last_sign`: Unix seconds.

    `code`: digests of the source that trained its epochs, in order, None for epochs that do not say.
    `changes`: of pack, machine, threads or kernels, each with the epoch from which on. `waits_for`: id of the
    failed trial whose weights it is to start from, None where there is none.
    """

    trial_id: str
    cell: str
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
    states = store.scan(history="check")  # of finished trials the result says all that is told
    declared = sweep["trials"]
    parents = {i: str(known[PARENT]) for i, known in declared.items() if known.get(PARENT)}
    waits = held_in(parents, states)
    strangers = store.identities(i for i in states if i not in declared)
    cells = _cells({**declared, **strangers})
    names = cell_names(cells.values())
    trials = [
        standing_of(
            trial_id,
            cells.get(trial_id),
            names,
            states.get(trial_id),
            sweep,
            running,
            waits.get(trial_id),
        )
        for trial_id in [*declared, *sorted(set(states) - set(declared))]
    ]
    counts = Counter(trial["state"] for trial in trials)
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


def readable(identities: Mapping[str, Identity]) -> Iterator[tuple[str, Trial]]:
    """Those trials that this version knows, with their ids."""
    for trial_id, identity in identities.items():
        with suppress(ValueError, KeyError, TypeError):
            yield trial_id, Trial.from_identity(identity)


def _cells(identities: Mapping[str, Identity]) -> dict[str, Spec]:
    """The cells of those trials, by trial id: many have one, which is kept once."""
    specs: dict[Spec, Spec] = {}
    return {trial_id: specs.setdefault(trial.spec, trial.spec) for trial_id, trial in readable(identities)}


def holder_of(held: LockNote | None) -> dict[str, object] | None:
    """What is told of the run that holds a sweep."""
    return {k: held.get(k) for k in ("host", "pid", "started", "command", "time")} if held else None


def standing_of(
    trial_id: str,
    cell: Spec | None,
    names: Mapping[Spec, str],
    state: TrialState | None,
    sweep: SweepRecord,
    running: set[str],
    waits_for: str | None,
) -> TrialStatus:
    """Where one trial stands. `cell`: None of one that this version cannot read; `names`: of cells; `state`:
    None of one that has no folder; `running`: ids of the trials that train now; `waits_for`: see
    TrialStatus."""
    state = state or TrialState(trial_id, "missing")
    last = state.records[-1] if state.records else _last(state.result)
    if trial_id not in sweep["trials"]:
        name = "undeclared"
    elif state.status in {"done", "diverged"}:
        name = state.status
    elif trial_id in running:
        name = "running"
    else:
        name = "failed" if state.status == "failed" else "waiting"
    return {
        "trial_id": trial_id,
        "cell": names.get(cell, "") if cell else "",
        "state": name,
        "epoch": last["epoch"] if last else 0,
        "epochs": _epochs(cell, sweep) if cell and name != "undeclared" else None,
        "worker": last.get("worker") if last else None,
        "last_sign": last.get("ended") if last else None,
        "error": state.failure.get("error") if state.failure else None,
        "diverged_at": state.result.get("diverged_at") if state.result else None,
        "code": list(trained_by(state)),
        "changes": changes(stretches_of({**(state.result or state.history or {})})),
        "waits_for": waits_for,
    }


def _last(result: Result | None) -> dict[str, Any] | None:
    """What a result says of a trial's last epoch, as a history would."""
    if not result or "epochs_run" not in result:
        return None
    try:
        ended = datetime.fromisoformat(result.get("finished", "")).timestamp()
    except (ValueError, OverflowError):
        ended = None
    return {"epoch": result["epochs_run"], "worker": result.get("worker"), "ended": ended}


def _epochs(spec: Spec, sweep: SweepRecord) -> int | None:
    """Epochs in all, where the sweep says how many images there are."""
    try:
        return spec.total_epochs(int(sweep["data"][spec.dataset]["train_size"]))
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return None
