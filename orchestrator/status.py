"""`python -m orchestrator.status RESULTS [--json|--serve]`: where a sweep stands, from its folder alone.

Works while the sweep runs, from any machine that can read the folder, and needs neither Ray nor torch.
"""

import contextlib
import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.command import leave
from model.errors import InputError
from orchestrator import arguments as parsers
from orchestrator.cli import duration
from orchestrator.display.output import Output
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store
from orchestrator.standing import STATES, SweepStatus, TrialStatus, status

if TYPE_CHECKING:
    from orchestrator.searching import SearchStatus

_MOST = 20


def searches(url: str) -> "list[SearchStatus]":
    """Where the searches (`tune`) of the sweep at `url` stand, a cell each; empty where there are none."""
    store = Store(url)
    sweep = store.sweep()
    if sweep is None or not sweep.get("tuning"):
        return []
    from orchestrator.searching import searches_of  # with pandas, which no other sweep needs here

    return searches_of(sweep, store.scan())


def show(sweep: SweepStatus, found: "Sequence[SearchStatus]", console: Console) -> None:
    """The same for a person. `found`: its searches."""
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
    _show_searches(found, console)
    for state in ("running", "failed", "diverged", "undeclared"):
        chosen = [trial for trial in sweep["trials"] if trial["state"] == state]
        if chosen:
            console.print()
            console.print(_table(state, chosen))
    for warning in sweep["warnings"]:
        console.print(f"warning: {warning}", style="yellow", markup=False)


def _show_searches(found: "Sequence[SearchStatus]", console: Console) -> None:
    if not found:
        return
    whole = sum(one["ended"] == one["trials"] for one in found)
    ended, trials = sum(one["ended"] for one in found), sum(one["trials"] for one in found)
    console.print(
        f"searches: {whole} of {len(found)} have ended, {ended:,} of their {trials:,} trials have a result"
    )
    for one in found[:_MOST]:
        console.print(one["said"], soft_wrap=True, markup=False)
    if len(found) > _MOST:
        console.print(f"and {len(found) - _MOST} more")


_WORDS = {state: state for state in STATES} | {"undeclared": "no longer declared"}


def _table(state: str, trials: list[TrialStatus]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(_WORDS[state], overflow="fold")
    table.add_column("cell")
    table.add_column("epoch", justify="right", no_wrap=True)
    table.add_column({"failed": "why", "diverged": "at epoch"}.get(state, "where, last sign of life"))
    for trial in trials[:_MOST]:
        of = f"/{trial['epochs']}" if trial["epochs"] else ""
        row = (trial["trial_id"], trial["cell"], f"{trial['epoch']}{of}", _remark(state, trial))
        table.add_row(*map(Text, row))
    if len(trials) > _MOST:
        table.add_row(f"and {len(trials) - _MOST} more", "", "", "")
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
    if arguments.serve:
        return _serve(arguments.results.rstrip("/") or "/", arguments.port)
    url = arguments.results.rstrip("/") or "/"
    try:
        sweep, found = status(url), searches(url)
    except (InputError, OSError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps({**sweep, "searches": found}, indent=1))
    else:
        show(sweep, found, Output(highlight=False))
    return 0


def _serve(url: str, port: int | None) -> int:
    """Until Ctrl-C."""
    from orchestrator.live.server import server

    try:
        page = server(url, port)
    except (InputError, OSError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    here, elsewhere = page.addresses
    print(f"{here}  (Ctrl-C ends it)")
    print(f"From another machine: {elsewhere}", flush=True)
    with page, contextlib.suppress(KeyboardInterrupt):
        page.serve_forever()
    return 0


if __name__ == "__main__":
    leave(main)
