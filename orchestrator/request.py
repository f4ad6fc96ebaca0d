"""What a person asks for, by a command line or from Python, looked at as far as that needs no plan."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from rich.console import Console

from analysis import options as reading
from analysis.sources.load import load
from analysis.stats.best_groups import best_groups
from analysis.stats.choices import Choices
from model.data.dataset import DataInfo
from model.errors import InputError
from orchestrator.cluster.joined import Joined, Patience
from orchestrator.display.busy import Say, quiet
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.arguments import adjustments
from orchestrator.grid.blocks import Grid
from orchestrator.grid.overrides import adjust_by_width, adjusted
from orchestrator.grid.own import own_code
from orchestrator.grid.searches import Declared
from orchestrator.grid.trial import Trial
from orchestrator.growth import Train, grown
from orchestrator.planning.analysis import plan_of
from orchestrator.planning.arguments import options_of
from orchestrator.planning.data import describe_data
from orchestrator.planning.options import Options
from orchestrator.planning.searches import record_of
from orchestrator.report import check_choices
from orchestrator.results.lock import Lock
from orchestrator.results.records import AnalysisPlan
from orchestrator.results.store import Store
from orchestrator.rounds import Rounds
from orchestrator.searching import known_and_pending
from orchestrator.sweep import Prepared, prepare
from orchestrator.trackers.catalogue import check


@dataclass(frozen=True)
class Request:
    """A grid with what was said instead of it, and how it is to be run and shown."""

    grid: Grid
    declared: Declared
    plan: AnalysisPlan | None
    rounds: Rounds
    options: Options
    choices: Choices
    infos: Mapping[str, DataInfo]
    join: Joined | None

    @classmethod
    def of(cls, arguments: argparse.Namespace, grid: Grid, joined: ExitStack, say: Say, *, dry: bool) -> Self:
        """What the parsed `arguments` of `run` make of `grid`. Raises InputError.

        `joined`: leaves the cluster, where one is joined for this request. `dry`: nothing may be written.
        """
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
        join = None
        if options.address and options.executor == "ray":
            join = Joined(options, infos, joined, own_code(trials), warn, dry=dry)
        return cls(grid, declared, plan, rounds, options, choices, infos, join)

    def known_and_pending(self, store: Store) -> tuple[list[Trial], list[Trial]]:
        """The trials by the results so far, and in the place of those that are yet to be chosen others."""
        known, pending = known_and_pending(self.declared, store)
        if not self.declared.searches:
            known = [*self.rounds.current(self.options).trials]
        return known, pending

    def run(
        self, train: Train, store: Store, console: Console, interrupt: Interrupt
    ) -> tuple[Prepared, str, Sequence[Trial]]:
        """Every round that follows from the results; gives what was prepared last, the report's place, and
        all trials that there are by now."""
        if not self.declared.searches:
            prepared, report = self.rounds.run(train, self.options, console, interrupt)
            return prepared, report, self.rounds.current(self.options).trials

        def known() -> list[Trial]:
            return known_and_pending(self.declared, store)[0]

        prepared, report = grown(lambda _: known(), train, self.options, interrupt)
        return prepared, report, known()

    def prepare(
        self,
        trials: Sequence[Trial],
        options: Options,
        say: Say = quiet,
        lock: Lock | None = None,
        patience: Patience | None = None,
    ) -> Prepared:
        """`lock`: held by this run; without it nothing is written, and without `patience` nothing is waited
        for."""
        return prepare(
            self.grid.name,
            self.grid.description,
            trials,
            options,
            infos=self.infos,
            join=self.join,
            lock=lock,
            say=say,
            patience=patience,
            analysis=self.plan,
            tuning=record_of(self.declared),
        )


def warn(text: str) -> None:
    """Tell a person of what goes on without."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _declared(grid: Grid, arguments: argparse.Namespace) -> Declared:
    """What the command line makes of the grid."""
    wanted = adjustments(arguments)
    if not arguments.groups_from:
        return adjusted(grid, wanted)
    if "groups" in wanted:
        raise InputError("--groups and --groups-from: give one of them")
    norms = wanted.get("norm") or [norm for block in grid.blocks for norm in block.values("norm") or ()]
    return adjust_by_width(grid, wanted, best_groups(load(arguments.groups_from), [*map(str, norms)]))
