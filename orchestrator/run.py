"""`python -m orchestrator.run --grid fig1 …`: the command line, nothing else."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the imports below last is no traceback

import argparse
import os
import shlex
import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console

from analysis import options as reading
from model.command import command, leave, of_output
from model.data.dataset import DataInfo
from model.errors import InputError
from model.queues import CUDA_QUEUES
from orchestrator import arguments as parsers
from orchestrator.cli import called
from orchestrator.display.busy import Say, busy, quiet
from orchestrator.display.lists import axes_table, grids_table
from orchestrator.display.output import LastingOutput, Output
from orchestrator.display.warned import warnings_in_lines
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.arguments import adjustments
from orchestrator.grid.blocks import Grid
from orchestrator.grid.overrides import adjust_by_width, adjusted
from orchestrator.grid.own import own_code
from orchestrator.grid.parse import find
from orchestrator.grid.searches import Declared
from orchestrator.grid.trial import Trial
from orchestrator.planning.arguments import options_of
from orchestrator.results.storage_errors import LostError, StorageError
from orchestrator.results.url import refuse_undecodable

if TYPE_CHECKING:  # imported where they are needed: --help must not wait for torch and Ray
    from analysis.stats.choices import Choices
    from orchestrator.cluster.preflight import Vetted
    from orchestrator.growth import Train
    from orchestrator.planning.options import Options
    from orchestrator.planning.resources import Site
    from orchestrator.results.lock import Lock
    from orchestrator.results.records import AnalysisPlan
    from orchestrator.results.store import Store
    from orchestrator.rounds import Rounds
    from orchestrator.sweep import Join, Prepared, Schedule
    from orchestrator.trackers.following import Following


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Whatever the user can put right is one line on stderr and exit code 2."""
    typed = sys.argv[1:] if argv is None else argv
    arguments = parsers.run().parse_args(typed)
    os.environ.setdefault(*CUDA_QUEUES)
    console = Output(highlight=False)
    try:
        with warnings_in_lines():
            return _main(arguments, typed, console)
    except KeyboardInterrupt:
        print("Interrupted before anything was trained.", file=sys.stderr)
        return 130
    except LostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except StorageError as error:
        print(f"error: storage failed: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1
    except OSError as error:
        if of_output(error):
            raise
        print(f"error: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1


def _main(arguments: argparse.Namespace, typed: Sequence[str], console: Console) -> int:
    if arguments.list_grids or arguments.list_axes:
        console.print(axes_table() if arguments.list_axes else grids_table())
        return 0
    if arguments.grid is None:
        raise InputError("--grid is missing: name a grid of --list-grids, or a YAML file")
    for argument in typed:  # they are kept in the results
        refuse_undecodable(argument)
    with ExitStack() as joined:
        if arguments.dry_run:
            return _dry_run(arguments, console, joined)
        return _train(arguments, f"{called('orchestrator.run')} {shlex.join(typed)}", console, joined)


def _dry_run(arguments: argparse.Namespace, console: Console, joined: ExitStack) -> int:
    with busy(console, "Reading the grid") as say:
        from orchestrator.growth import stages
        from orchestrator.report import print_later, print_plan, print_rule
        from orchestrator.results.store import Store
        from orchestrator.searching import known_and_pending, print_searches

        wanted = _wanted(arguments, joined, say)
        declared, store = wanted.declared, Store(wanted.options.results)
        store.files.readable()
        known, pending = known_and_pending(declared, store)
        if not declared.searches:
            known = [*wanted.rounds.current(wanted.options).trials]
        now, *later = stages(wanted.prepare([*known, *pending], wanted.options, say), known)
    print_plan(now, console, cells=True, price=arguments.price_per_gpu_hour)
    print_searches(declared, store, console, set())
    for part in later:
        print_later(part, now, console)
    most = wanted.rounds.most
    print_rule(wanted.rounds.words, lambda: wanted.prepare(most, wanted.options), console)
    return 0


def _train(arguments: argparse.Namespace, command: str, console: Console, joined: ExitStack) -> int:
    with busy(console, "Reading the grid") as say:
        from orchestrator.execution.limits import limits_of
        from orchestrator.planning.local import local_site
        from orchestrator.report import print_outcome, print_plan
        from orchestrator.results.lock import Lock
        from orchestrator.results.store import Store
        from orchestrator.searching import print_searches, without_choice
        from orchestrator.sweep import declare
        from orchestrator.trackers.following import Following

        wanted = _wanted(arguments, joined, say)
        declared, options, choices = wanted.declared, wanted.options, wanted.choices
        if not wanted.join and (options.gpus_per_pack or options.cpus_per_pack > 1 or options.on_cluster):
            local_site(options)
        store = Store(options.results)
        store.files.writable()
    console.file = cast(IO[str], LastingOutput(sys.stdout))
    with Interrupt() as interrupt, ExitStack() as held:
        limits = held.enter_context(limits_of(arguments, interrupt))
        with busy(console, "Seeing that nobody else has the folder"):
            lock = held.enter_context(Lock(store.files, command, lost=interrupt.abort))
        trackers = held.enter_context(Following(options.trackers, store.url, console, interrupt))
        told: set[str] = set()

        def train(trials: Sequence[Trial], options: "Options") -> "tuple[Prepared, str]":
            with busy(console, "Reading the results") as say:
                prepared = wanted.prepare(trials, options, say, lock)
            print_plan(prepared, console, cells=False, price=arguments.price_per_gpu_hour)
            if prepared.schedule is not None:
                limits.trains_on(prepared.schedule.site)
            print_searches(declared, store, console, told)
            with busy(console, "Reading the data"):
                _read_data(prepared.schedule)
                declare(prepared, command)
            trackers.begin()
            return prepared, _run(prepared, console, interrupt, lock, choices, trackers)

        prepared, report, trials = wanted.run(train, store, console, interrupt)
        print_searches(declared, store, console, told)
        wanting = without_choice(declared, store)
        code = print_outcome(prepared, console, report, interrupt, command, choices, trials, wanting)
    if arguments.open and report.startswith("/"):
        webbrowser.open(Path(report).as_uri())
    return code


@dataclass(frozen=True)
class _Wanted:
    """What the command line asks for, looked at as far as that needs no plan."""

    grid: Grid
    declared: Declared
    plan: "AnalysisPlan | None"
    rounds: "Rounds"
    options: "Options"
    choices: "Choices"
    infos: "Mapping[str, DataInfo]"
    join: "Join | None"

    def run(
        self, train: "Train", store: "Store", console: Console, interrupt: Interrupt
    ) -> "tuple[Prepared, str, Sequence[Trial]]":
        """Every round that follows from the results; gives what was prepared last, the report's place, and
        all trials that there are by now."""
        from orchestrator.growth import grown
        from orchestrator.searching import known_and_pending

        if not self.declared.searches:
            prepared, report = self.rounds.run(train, self.options, console, interrupt)
            return prepared, report, prepared.plan.trials

        def known() -> list[Trial]:
            return known_and_pending(self.declared, store)[0]

        prepared, report = grown(lambda _: known(), train, self.options, interrupt)
        return prepared, report, known()

    def prepare(
        self, trials: Sequence[Trial], options: "Options", say: Say = quiet, lock: "Lock | None" = None
    ) -> "Prepared":
        """`lock`: held by this run; without it nothing is written."""
        from orchestrator.planning.searches import record_of
        from orchestrator.sweep import prepare

        name, about = self.grid.name, self.grid.description
        return prepare(
            name,
            about,
            trials,
            options,
            infos=self.infos,
            join=self.join,
            lock=lock,
            say=say,
            analysis=self.plan,
            tuning=record_of(self.declared),
        )


def _wanted(arguments: argparse.Namespace, joined: ExitStack, say: Say) -> _Wanted:
    from orchestrator.planning.analysis import plan_of
    from orchestrator.planning.data import describe_data
    from orchestrator.report import check_choices
    from orchestrator.rounds import Rounds
    from orchestrator.trackers.catalogue import check

    grid = find(os.path.expanduser(arguments.grid))
    declared = _declared(grid, arguments)
    trials = declared.foreseen
    options, choices = options_of(arguments, grid.name), reading.choices(arguments)
    check(options.trackers, options.results)
    if options.executor == "ray" and options.results.startswith("memory:"):
        raise InputError("memory:// is one process's own and Ray's workers are others: --executor inline")
    searching = set(declared.searching)
    plan = plan_of(arguments, [t for t in trials if t not in searching], grid.analysis)
    if declared.searches and plan and plan["stopping"]:
        raise InputError(
            "--until-ci and --until-decided add seeds to a grid whose trials are known, and this one "
            "searches for some (tune); say --seeds, or write the values that were chosen into a grid of "
            "your own"
        )
    rounds = Rounds.of(trials, plan, options.results)
    say("Looking at the data")
    infos = describe_data(trials, options.data_dir)  # its faults are told before anything is written
    check_choices(declared.trials or trials, options.results, choices, plan)
    join = _join(options, infos, joined, own_code(trials), dry=arguments.dry_run)
    return _Wanted(grid, declared, plan, rounds, options, choices, infos, join)


def _join(
    options: "Options", infos: "Mapping[str, DataInfo]", stack: ExitStack, code: tuple[str, ...], *, dry: bool
) -> "Join | None":
    """A function that joins the cluster, where one is named: a sweep with nothing to train needs none.

    A sweep that trains in rounds joins it once. It has the machines vetted, unless the run is `dry` and may
    write nothing. `code`: import paths of code of the user's own.
    """
    if not options.address or options.executor != "ray":
        return None

    @cache
    def join() -> "tuple[Site, Vetted | None]":
        from orchestrator.cluster.preflight import check_nodes
        from orchestrator.cluster.session import joined

        site = stack.enter_context(joined(options))
        return site, None if dry else check_nodes(site, options, infos, code, left_out=_warn)

    return join


def _read_data(schedule: "Schedule | None") -> None:
    """Have every machine of a cluster read the data, which fetches and decodes it once on each."""
    if schedule is None or schedule.vetted is None or not schedule.site.nodes:
        return
    from orchestrator.cluster.preflight import read_data

    read_data(schedule.vetted, schedule.site, _warn)


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _declared(grid: Grid, arguments: argparse.Namespace) -> Declared:
    """What the command line makes of the grid."""
    wanted = adjustments(arguments)
    if not arguments.groups_from:
        return adjusted(grid, wanted)
    if "groups" in wanted:
        raise InputError("--groups and --groups-from: give one of them")
    from analysis.sources.load import load
    from analysis.stats.best_groups import best_groups

    norms = wanted.get("norm") or [norm for block in grid.blocks for norm in block.values("norm") or ()]
    return adjust_by_width(grid, wanted, best_groups(load(arguments.groups_from), [*map(str, norms)]))


def _run(
    prepared: "Prepared",
    console: Console,
    interrupt: Interrupt,
    lock: "Lock",
    choices: "Choices",
    trackers: "Following",
) -> str:
    """Train and report; gives the report's place."""
    from orchestrator.display.live import refreshing
    from orchestrator.report import spent, try_report, write_report
    from orchestrator.sweep import execute

    if (schedule := prepared.schedule) is not None and not interrupt.requested:
        begun = time.monotonic()
        with refreshing(lambda: write_report(prepared.store, choices, live=True)):
            execute(prepared, console, interrupt, lock, trackers.hear)
        lock.check()
        console.print(spent(schedule, time.monotonic() - begun, whole=not interrupt.requested))
    make = try_report if interrupt.trouble else write_report
    return make(prepared.store, choices)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    leave(main)
