"""A run from its beginning to its end: the plan shown, the folder held, packs trained, the outcome told.

The command line (`run`) and Python (`api`) differ in how a person asks and is answered; what happens in
between is here, once.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console

from orchestrator.cluster.joined import Patience
from orchestrator.display.busy import Say, busy
from orchestrator.display.live import refreshing
from orchestrator.display.output import LastingOutput
from orchestrator.execution.limits import Limits, limits_of
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.blocks import Grid
from orchestrator.grid.trial import Trial
from orchestrator.growth import stages
from orchestrator.live.server import PageServer, listen, serving
from orchestrator.outcome import Again, print_outcome, spent
from orchestrator.plan_in_words import print_later, print_plan, print_rule
from orchestrator.planning.local import local_site
from orchestrator.planning.options import Options
from orchestrator.planning.precision import refuse_precision
from orchestrator.report import try_report, write_report
from orchestrator.request import Request, warn
from orchestrator.results.archives import keep
from orchestrator.results.lock import Lock
from orchestrator.results.store import Store
from orchestrator.searching import print_searches, without_choice
from orchestrator.sweep import Prepared, check, declare, execute
from orchestrator.trackers.following import Following

if TYPE_CHECKING:  # Ray is 300 MB
    from ray.tune import Callback, ResultGrid


@dataclass(frozen=True)
class Outcome:
    """`code`: of the command. `report`: its place. `grid`: Ray's of the last packs that it trained; None
    where it trained none, or no Ray did."""

    code: int
    report: str
    grid: "ResultGrid | None"


def show_plan(arguments: argparse.Namespace, grid: Grid, console: Console) -> list[Prepared]:
    """What a run would do, printed; in two parts where the second depends on what the first finds. Writes
    nothing. Raises InputError."""
    with ExitStack() as joined:
        with busy(console, "Reading the grid") as say:
            asked = Request.of(arguments, grid, joined, say, dry=True)
            store = Store(asked.options.results)
            store.files.readable()
            known, pending = asked.known_and_pending(store)
            parts = stages(asked.prepare([*known, *pending], asked.options, say), known)
        now, *later = parts
        print_plan(now, console, cells=True, price=arguments.price_per_gpu_hour)
        print_searches(asked.declared, store, console, set())
        for part in later:
            print_later(part, now, console)
        with busy(console, "Reading the data"):
            for part in parts:
                check(part, fetch=False)
        most = asked.rounds.most
        print_rule(asked.rounds.words, lambda: asked.prepare(most, asked.options), console)
        return parts


def train(
    arguments: argparse.Namespace,
    grid: Grid,
    again: Again,
    console: Console,
    interrupt: Interrupt,
    callbacks: "Sequence[Callback]" = (),
) -> Outcome:
    """Train what is missing of `grid`, and report. Raises InputError, StorageError.

    `callbacks`: Ray Tune's own, told of every pack; the inline executor has none.
    """
    with ExitStack() as joined:
        with busy(console, "Reading the grid") as say:
            asked = Request.of(arguments, grid, joined, say, dry=False)
            options = asked.options
            coarse = [trial.spec for trial in asked.declared.foreseen if trial.precision != "fp32"]
            special = options.share or options.cpus_per_pack > 1 or options.on_cluster or coarse
            if special and not asked.join:
                refuse_precision(coarse, local_site(options), here=True)
            store = Store(options.results)
            store.files.writable()
        page = joined.enter_context(listen(arguments.port)) if arguments.serve else None
        console.file = cast(IO[str], LastingOutput(sys.stdout))
        limits, price = limits_of(arguments, interrupt), arguments.price_per_gpu_hour
        return _Run(asked, store, again, console, price, limits, callbacks, page).go(interrupt)


class _Run:
    """A request that is carried out, round by round."""

    def __init__(
        self,
        asked: Request,
        store: Store,
        again: Again,
        console: Console,
        price: float | None,
        limits: Limits,
        callbacks: "Sequence[Callback]",
        page: PageServer | None,
    ) -> None:
        """`page`: shows the sweep from its first round on; None where nobody asked for it."""
        self._asked, self._store, self._again = asked, store, again
        self._console, self._price, self._limits = console, price, limits
        self._callbacks, self._page = callbacks, page
        self._told: set[str] = set()
        self._grid: ResultGrid | None = None

    def go(self, interrupt: Interrupt) -> Outcome:
        asked, console, store = self._asked, self._console, self._store
        with interrupt, self._limits, ExitStack() as held:
            with busy(console, "Checking that nobody else holds the folder"):
                lock = held.enter_context(Lock(store.files, self._again.command, lost=interrupt.abort))

            trackers = held.enter_context(Following(asked.options.trackers, store.url, console, interrupt))

            def one_round(trials: Sequence[Trial], options: Options) -> tuple[Prepared, str]:
                return self._round(trials, options, interrupt, lock, trackers, held)

            prepared, report, trials = asked.run(one_round, store, console, interrupt)
            print_searches(asked.declared, store, console, self._told)
            wanting = without_choice(asked.declared, store)
            code = print_outcome(
                prepared, console, report, interrupt, self._again, asked.choices, trials, wanting
            )
        return Outcome(code, report, self._grid)

    def _round(
        self,
        trials: Sequence[Trial],
        options: Options,
        interrupt: Interrupt,
        lock: Lock,
        trackers: Following,
        held: ExitStack,
    ) -> tuple[Prepared, str]:
        """Plan, train and report; gives what was prepared and the report's place. `held`: ends with the
        run."""
        asked, console = self._asked, self._console
        with busy(console, "Reading the results") as say:
            prepared = asked.prepare(trials, options, say, lock, _patience(say, console, interrupt))
        print_plan(prepared, console, cells=False, price=self._price)
        if prepared.schedule is not None:
            self._limits.trains_on(prepared.schedule.site)
        print_searches(asked.declared, self._store, console, self._told)
        with busy(console, "Reading the data"):
            _read_data(prepared)
            declare(prepared, self._again.command)
        trackers.begin()
        self._serve(held)
        self._train(prepared, interrupt, lock, trackers)
        make = try_report if interrupt.trouble else write_report
        with busy(console, "Making the report"):
            return prepared, make(prepared.store, asked.choices)

    def _serve(self, held: ExitStack) -> None:
        """The live page, from when there is a sweep to show until `held` ends."""
        if self._page is None:
            return
        page, self._page = self._page, None
        held.enter_context(serving(page, self._store.url))
        here, elsewhere = page.addresses
        line = f"live page, while this run lasts: {here} (from another machine: {elsewhere})"
        self._console.print(line, soft_wrap=True, markup=False)

    def _train(self, prepared: Prepared, interrupt: Interrupt, lock: Lock, trackers: Following) -> None:
        if (schedule := prepared.schedule) is None or interrupt.requested:
            return
        begun, choices = time.monotonic(), self._asked.choices
        with ExitStack() as live:
            live.enter_context(refreshing(lambda: write_report(prepared.store, choices, live=True)))
            self._grid = execute(prepared, self._console, interrupt, lock, trackers.hear, self._callbacks)
            with busy(self._console, "Ending the live report"):  # which may be in the making
                live.close()
        lock.check()
        self._console.print(spent(schedule, time.monotonic() - begun, whole=not interrupt.requested))


def _patience(say: Say, console: Console, interrupt: Interrupt) -> Patience:
    """Until somebody interrupts: then the run is over at once, for nothing trains yet."""

    told = set[str]()

    def tell(words: str) -> None:
        say(words)
        if not console.is_terminal and words not in told:  # a log, which would be silent for minutes
            told.add(words)
            console.print(f"{words} …", soft_wrap=True, markup=False)

    def ended() -> bool:
        if interrupt.signal is not None:
            raise KeyboardInterrupt
        return interrupt.requested

    return Patience(tell, ended)


def _read_data(prepared: Prepared) -> None:
    """Have every machine of a cluster read the data, which decodes it once on each. What has to be fetched
    from the internet this one fetches, and the others read it beside the results."""
    if (schedule := prepared.schedule) is None or schedule.vetted is None:
        return
    from orchestrator.cluster.preflight import read_data

    if schedule.site.others:
        datasets = {pack.spec.dataset for pack in prepared.plan.packs}
        keep(prepared.store.files, sorted(datasets), prepared.options.data_dir)
    if schedule.site.nodes:
        read_data(schedule.vetted, schedule.site, warn)
