"""`python -m orchestrator.status RESULTS [--json]`: where a sweep stands, from its folder alone.

Works while the sweep runs, from any machine that can read the folder, and needs neither Ray nor torch.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.command import leave
from model.errors import InputError
from orchestrator import arguments as parsers
from orchestrator.cli import duration
from orchestrator.display.output import Output
from orchestrator.grid.trial import PARENT, Trial
from orchestrator.results.codes import mixture, record_of, trained_by
from orchestrator.results.damage import damage
from orchestrator.results.lock import is_held
from orchestrator.results.parents import held_in, waiting_in_words
from orchestrator.results.records import Identity, SweepRecord
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store
from orchestrator.results.stretches import changed, changes, stretches_of
from orchestrator.results.trial_state import TrialState

#: In the order in which they are shown.
STATES = ("done", "diverged", "running", "waiting", "failed", "undeclared")
_MOST = 20


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
        _trial(trial_id, declared.get(trial_id), states.get(trial_id), sweep, running, waits.get(trial_id))
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
        "held_by": {k: held.get(k) for k in ("host", "pid", "started", "command", "time")} if held else None,
        "counts": {state: counts[state] for state in STATES},
        "trials": trials,
        "warnings": [
            *(sentence for sentence in (mixed, moved) if sentence),
            *waiting_in_words(waits),
            *(warning for state in states.values() for warning in state.warnings),
            *damage(store, states),
        ],
    }


def _trial(
    trial_id: str,
    identity: Identity | None,
    state: TrialState | None,
    sweep: SweepRecord,
    running: set[str],
    waits_for: str | None,
) -> TrialStatus:
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


def show(sweep: SweepStatus, console: Console) -> None:
    """The same for a person."""
    console.print(f"{sweep['name']} in {sweep['results']}", style="bold", markup=False)
    held = sweep["held_by"]
    if held:
        console.print(
            f"in the hands of process {held['pid']} on {held['host']} since {held['started']}", markup=False
        )
    else:
        console.print("no run holds it now")
    counts = sweep["counts"]
    console.print(" · ".join(f"{counts[state]} {_WORDS[state]}" for state in STATES if counts[state]))
    for state in ("running", "failed", "diverged", "undeclared"):
        chosen = [trial for trial in sweep["trials"] if trial["state"] == state]
        if chosen:
            console.print()
            console.print(_table(state, chosen))
    for warning in sweep["warnings"]:
        console.print(f"warning: {warning}", style="yellow", markup=False)


_WORDS = {state: state for state in STATES} | {"undeclared": "no longer declared"}


def _table(state: str, trials: list[TrialStatus]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(_WORDS[state], overflow="fold")
    table.add_column("epoch", justify="right", no_wrap=True)
    table.add_column({"failed": "why", "diverged": "at epoch"}.get(state, "where, last sign of life"))
    for trial in trials[:_MOST]:
        of = f"/{trial['epochs']}" if trial["epochs"] else ""
        table.add_row(Text(trial["trial_id"]), f"{trial['epoch']}{of}", Text(_remark(state, trial)))
    if len(trials) > _MOST:
        table.add_row(f"and {len(trials) - _MOST} more", "", "")
    return table


def _remark(state: str, trial: TrialStatus) -> str:
    if state == "failed":
        return str(trial["error"])
    if state == "diverged":
        return str(trial["diverged_at"])
    if trial["last_sign"] is None:
        return "no epoch finished yet"
    return f"{trial['worker']}, {duration(max(0.0, time.time() - trial['last_sign']))} ago"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 2 where there is no sweep."""
    arguments = parsers.status().parse_args(argv)
    try:
        sweep = status(arguments.results.rstrip("/") or "/")
    except (InputError, OSError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(sweep, indent=1))
    else:
        show(sweep, Output(highlight=False))
    return 0


if __name__ == "__main__":
    leave(main)
