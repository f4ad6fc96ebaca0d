"""`python -m orchestrator.simulate`: this sweep on a thousand GPUs, on paper.

The plan is the real one: the same packing, the same packs, the longest first (`planning.packing`,
`planning.plan`). What the cluster does with it is `paper_cluster`. How long a pack takes was measured
(`planning.measured`); how often nodes are lost and how late they come are assumptions, given on the
command line and printed with the result.

Losses are random, so each number of workers is played many times, and medians are shown.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from model.command import command, leave
from model.data.registry import describe
from model.errors import InputError
from orchestrator.grid.overrides import adjust
from orchestrator.grid.parse import find
from orchestrator.planning.measured import MeasuredThroughput, from_bench, from_results
from orchestrator.simulate.arguments import parser
from orchestrator.simulate.core_rates import from_the_docs
from orchestrator.simulate.paper_cluster import Setting
from orchestrator.simulate.play import Played, paper_packs, play

_HOUR = 3600.0
_HEAD = (
    "workers  packs  bound h  no trouble  makespan h (range)         ratio   paid h  lost h  "
    "lost %  start %  idle %"
)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> list[Played]:
    """Raises InputError."""
    grid = find(options.grid)
    trials = adjust(grid, {"seeds": tuple(range(1, options.seeds + 1))} if options.seeds else {})
    names = dict.fromkeys(trial.dataset for trial in trials)
    infos = {name: describe(name, options.data_dir) for name in names}
    times = _times(options)
    setting = Setting(
        workers=1,
        per_node=options.workers_per_node,
        startup=60 * options.startup_minutes,
        idle_timeout=60 * options.keep_minutes,
        mtbf=_HOUR * options.mtbf_hours or None,
        dispatch=options.dispatch_ms / 1000,
        seed=options.seed,
    )
    say(f"{grid.name}: {len(trials):,} trials; pack times from {times.source}")
    say(_assumptions(options))
    say(_HEAD)
    rows = []
    for workers in options.workers:
        packs = paper_packs(trials, times, infos, workers, options.pack)
        rows.append(play(packs, replace(setting, workers=workers), options.repeats))
        say(_line(rows[-1]))
    return rows


def _times(options: argparse.Namespace) -> MeasuredThroughput:
    if options.bench and options.results:
        raise InputError("--bench and --results: give one of them")
    if options.bench:
        return from_bench(options.bench)
    return from_results(options.results) if options.results else from_the_docs()


def _assumptions(options: argparse.Namespace) -> str:
    losses = f"a node is lost every {options.mtbf_hours:g} h" if options.mtbf_hours else "no node is lost"
    return (
        f"{options.workers_per_node} workers a node; {losses} on average; one comes after "
        f"{options.startup_minutes:g} min and is let go after {options.keep_minutes:g} min idle; the driver "
        f"starts a pack in {options.dispatch_ms:g} ms; medians of {options.repeats}"
    )


def _line(row: Played) -> str:
    """`paid h` and `lost h` are worker-hours; the shares behind them are of those paid. Without idling the
    books leave a rounding error, of either sign."""
    makespan = f"{row.makespan:8.2f} ({row.low:.2f}–{row.high:.2f})"
    parts = ((row.lost, 6), (row.starting, 7), (row.idle, 6))
    shares = "  ".join(f"{max(0.0, part) / row.paid:{width}.1%}" for part, width in parts)
    return (
        f"{row.workers:7,}  {row.packs:5,}  {row.bound:7.2f}  {row.undisturbed:10.2f}  {makespan:26} "
        f"{row.makespan / row.bound:5.3f}  {row.paid:7,.0f}  {row.lost:6.1f}  {shares}"
    )


@command
def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    out = sys.stderr if options.json else sys.stdout
    rows = run(options, lambda line: print(line, file=out, flush=True))
    if options.figure:
        from orchestrator.simulate.figure import write

        write(rows, _driver(options.driver), Path(options.figure))
    if options.json:
        print(json.dumps([as_json(row) for row in rows], indent=1))
    return 0


def as_json(row: Played) -> dict[str, float]:
    """A row by name; the makespan without losses and delays keeps the name that files of before have."""
    return {"calm" if key == "undisturbed" else key: value for key, value in asdict(row).items()}


def _driver(path: str | None) -> list[dict[str, Any]]:
    """The sizes that `orchestrator.bench --nodes --json` wrote. Raises InputError."""
    try:
        sizes = json.loads(Path(path).read_text(encoding="utf-8")) if path else []
        return [size for size in sizes if size["slices"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not what `orchestrator.bench --nodes N --json` writes: {error}"
        ) from None


if __name__ == "__main__":
    leave(main)
