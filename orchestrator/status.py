"""`python -m orchestrator.status RESULTS [--json]`: where a sweep stands, from its folder alone.

Works while the sweep runs, from any machine that can read the folder, and needs neither Ray nor torch.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.errors import InputError
from orchestrator.cli import duration
from orchestrator.grid.trial import Trial
from orchestrator.results.files import StorageError
from orchestrator.results.lock import is_held
from orchestrator.results.store import Store, TrialState

#: In the order in which they are shown.
STATES = ("done", "diverged", "running", "waiting", "failed", "undeclared")
_MOST = 20


def status(url: str) -> dict[str, Any]:
    """Where the sweep at `url` stands, as JSON-ready values. Raises InputError where there is none.

    `trials`: {trial_id, state, epoch, epochs, worker, last_sign (unix time), error, diverged_at} each.
    """
    store = Store(url)
    store.files.readable()
    sweep = store.sweep()
    if sweep is None:
        raise InputError(f"{url} holds no sweep: there is no sweep.json in it.")
    held = is_held(store.files)
    running = set(held.get("running", ())) if held else set()
    states = store.scan(history=True)
    declared: dict[str, Any] = sweep["trials"]
    trials = [
        _trial(trial_id, declared.get(trial_id), states.get(trial_id), sweep, running)
        for trial_id in [*declared, *sorted(set(states) - set(declared))]
    ]
    counts = Counter(trial["state"] for trial in trials)
    return {
        "name": sweep["name"],
        "results": url,
        "updated": sweep["updated"],
        "held_by": {k: held.get(k) for k in ("host", "pid", "started", "command", "time")} if held else None,
        "counts": {state: counts[state] for state in STATES},
        "trials": trials,
        "warnings": [warning for state in states.values() for warning in state.warnings],
    }


def _trial(
    trial_id: str,
    identity: dict[str, Any] | None,
    state: TrialState | None,
    sweep: dict[str, Any],
    running: set[str],
) -> dict[str, Any]:
    state = state or TrialState(trial_id, "missing")
    last: dict[str, Any] = ((state.history or {}).get("epochs") or [{}])[-1]
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
        "epoch": last.get("epoch", 0),
        "epochs": _epochs(identity, sweep),
        "worker": last.get("worker"),
        "last_sign": last.get("ended"),
        "error": (state.failure or {}).get("error"),
        "diverged_at": (state.result or {}).get("diverged_at"),
    }


def _epochs(identity: dict[str, Any] | None, sweep: dict[str, Any]) -> int | None:
    """Epochs in all, where this version can still read the trial."""
    if identity is None:
        return None
    try:
        spec = Trial.from_identity(identity).spec
        return spec.total_epochs(int(sweep["data"][spec.dataset]["train_size"]))
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return None


def show(found: dict[str, Any], console: Console) -> None:
    """The same for a person."""
    console.print(f"{found['name']} in {found['results']}", style="bold", markup=False)
    held = found["held_by"]
    if held:
        console.print(
            f"in the hands of process {held['pid']} on {held['host']} since {held['started']}", markup=False
        )
    else:
        console.print("no run holds it now")
    counts = found["counts"]
    console.print(" · ".join(f"{counts[state]} {_WORDS[state]}" for state in STATES if counts[state]))
    for state in ("running", "failed", "diverged", "undeclared"):
        chosen = [trial for trial in found["trials"] if trial["state"] == state]
        if chosen:
            console.print()
            console.print(_table(state, chosen))
    for warning in found["warnings"]:
        console.print(f"warning: {warning}", style="yellow", markup=False)


_WORDS = {state: state for state in STATES} | {"undeclared": "no longer declared"}


def _table(state: str, trials: list[dict[str, Any]]) -> Table:
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


def _remark(state: str, trial: dict[str, Any]) -> str:
    if state == "failed":
        return str(trial["error"])
    if state == "diverged":
        return str(trial["diverged_at"])
    if trial["last_sign"] is None:
        return "no epoch finished yet"
    return f"{trial['worker']}, {duration(max(0.0, time.time() - trial['last_sign']))} ago"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 2 where there is no sweep."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.status", description=__doc__)
    parser.add_argument("results", metavar="RESULTS", help="folder or URL of a sweep")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    arguments = parser.parse_args(argv)
    try:
        found = status(arguments.results.rstrip("/") or "/")
    except (InputError, OSError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        show(found, Console(highlight=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
