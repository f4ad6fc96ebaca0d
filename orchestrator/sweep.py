"""A run is a reconcile: declare, scan, plan what is missing, train it, report.

The first run, a resume, more seeds, a wider grid and a run of a finished sweep all go through `prepare`
and `execute`; none of them is a special case.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from model.data.dataset import DataInfo
from model.data.registry import is_fetched, load
from model.machine import cores
from orchestrator.cluster.joined import Joined, Patience
from orchestrator.display.busy import Say, quiet
from orchestrator.display.panel import show
from orchestrator.display.progress import Progress
from orchestrator.display.uncounted import uncounted
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.events import Listener
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.stopwatch import Stopwatch
from orchestrator.grid.trial import Trial
from orchestrator.planning import kernels, overheads
from orchestrator.planning.alike import alike
from orchestrator.planning.alone import warnings
from orchestrator.planning.analysis import changed_plan
from orchestrator.planning.changes import changed_in_the_middle
from orchestrator.planning.data import data_facts, describe_data
from orchestrator.planning.edited import edited
from orchestrator.planning.first_step import examined
from orchestrator.planning.options import Options
from orchestrator.planning.packs_per_gpu import record_of
from orchestrator.planning.parents import check_parents
from orchestrator.planning.plan import Pack, Plan, in_packs, remaining
from orchestrator.results.archives import kept_at
from orchestrator.results.inventory import inventory
from orchestrator.results.lock import Lock
from orchestrator.results.mixing import check_code
from orchestrator.results.provenance import provenance, version
from orchestrator.results.records import AnalysisPlan, CodeRecord, RunRecord, TuningRecord
from orchestrator.results.source import training_code
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState
from orchestrator.scheduling import Schedule, scheduled

if TYPE_CHECKING:
    from ray.tune import Callback, ResultGrid


#: Gives a listener that passes on what it hears of these packs to the one given.
Hear = Callable[[Listener, Sequence[Pack]], Listener]


@dataclass(frozen=True)
class Prepared:
    """A sweep ready to run. `schedule`: None where nothing is to be trained. `code`, `analysis`, `tuning`:
    for sweep.json, the last two None where nobody planned an analysis or a search. `uncounted`: what the
    folder holds beside it, in a sentence."""

    name: str
    description: str
    options: Options
    store: Store
    infos: Mapping[str, DataInfo]
    states: Mapping[str, TrialState]
    plan: Plan
    schedule: Schedule | None
    code: CodeRecord
    warnings: tuple[str, ...] = ()
    analysis: AnalysisPlan | None = None
    tuning: TuningRecord | None = None
    uncounted: str = ""


def prepare(
    name: str,
    description: str,
    trials: Sequence[Trial],
    options: Options,
    *,
    infos: Mapping[str, DataInfo] | None = None,
    join: Joined | None = None,
    lock: Lock | None = None,
    say: Say = quiet,
    patience: Patience | None = None,
    analysis: AnalysisPlan | None = None,
    tuning: TuningRecord | None = None,
) -> Prepared:
    """Reconcile what is declared with the store. Trains nothing. Raises InputError, also where other code
    trained what is there and the mixture was not accepted.

    `lock`: held by this run, which makes damaged results again; without it nothing is written.

    `infos`: what `describe_data` gave, where that was asked already: it looks at every image of a folder.
    `join`: asked only where there is something to train; None trains on this machine. `say`: told what takes
    long. `patience`: of a run, which may wait for a first machine to time packs on. `analysis`: as it is
    planned, told of where it is another than before; `tuning`: the searches that `trials` are of.
    """
    infos = infos or describe_data(trials, options.data_dir)
    store = Store(options.results, token=lock.token if lock else None)
    say("Looking at what is done")
    declared, states, told = inventory(store, trials, infos, repair=lock is not None)
    left = remaining(trials, states, max_failures=options.max_failures, retry_failed=options.retry_failed)
    code, mixed = check_code(
        store.url,
        declared,
        states,
        training_code(),
        adds=bool(left.waiting),
        accept=options.accept_code,
    )
    told += mixed
    if left.waiting:
        check_parents(store, left.waiting, states, infos)
        alone = examined({trial.shared: None for trial in left.waiting}, infos)
        told += warnings(alone) + edited(trials, declared) + alike(trial.spec for trial in trials)
        runs = declared.get("runs", [])
        plan, schedule = scheduled(left, states, options, infos, join, alone, runs, say, patience)
        here = {"torch": version("torch"), "threads": str(schedule.site.resources.threads)}
        told += changed_in_the_middle(plan, states, here)
    else:
        plan, schedule = in_packs(left, states, lambda _: 1), None
    told += changed_plan(declared, states, analysis)
    beside = uncounted(plan.undeclared, states, store.identities(plan.undeclared), store.url)
    return Prepared(
        name,
        description,
        options,
        store,
        infos,
        states,
        plan,
        schedule,
        code,
        tuple(told),
        analysis,
        tuning,
        beside,
    )


def check(prepared: Prepared, *, fetch: bool = True) -> None:
    """Find what is wrong with the data, and with the folders of the trials, before anything runs. Raises
    InputError.

    The data is loaded once here, which downloads or decodes it into the cache for every worker of this
    machine. `fetch`: also what would have to come from the internet, of which every byte is known.
    """
    for dataset in {pack.spec.dataset for pack in prepared.plan.packs}:
        if fetch or not is_fetched(dataset):
            load(dataset, prepared.options.data_dir, bring=kept_at(prepared.store.url))
    states, store = prepared.states, prepared.store
    store.verify([t for t in prepared.plan.trials if (s := states.get(t.trial_id)) and not store.is_sound(s)])


def declare(prepared: Prepared, command: str) -> None:
    """Write down what the sweep consists of and open its trials. Raises InputError; trains nothing."""
    check(prepared)
    store, plan = prepared.store, prepared.plan
    waiting = [trial for pack in plan.packs for trial in pack.trials]
    store.declare(
        prepared.name,
        plan.trials,
        description=prepared.description,
        data=data_facts(prepared.infos),
        provenance={**provenance(), "command": command},
        run=_run_record(prepared),
        code=prepared.code,
        plan=prepared.analysis,
        results=sum(state.finished for state in prepared.states.values()),
        tuning=prepared.tuning,
    )
    store.open(waiting)
    if prepared.options.retry_failed:
        store.forget_failures(trial.trial_id for trial in waiting)


def _run_record(prepared: Prepared) -> RunRecord | None:
    """What this run means to do, to be held against the truth; None where there is nothing to do."""
    if (schedule := prepared.schedule) is None:
        return None
    record: RunRecord = {
        "begun": time.time(),
        "estimate_seconds": schedule.estimate,
        "trials": prepared.plan.waiting,
        "packs": len(prepared.plan.packs),
        "slots": schedule.site.slots,
        "cpus_per_pack": schedule.site.resources.cpus,
        "gpus_per_pack": schedule.site.resources.gpus,
    }
    if timed := record_of(schedule.sharing, (trial.spec for trial in prepared.plan.trials)):
        record["sharing"] = timed
    if chosen := kernels.record_of(schedule.chosen):
        record["kernels"] = chosen
    return record


def execute(
    prepared: Prepared,
    console: Console,
    interrupt: Interrupt,
    lock: Lock | None = None,
    hear: Hear = lambda listener, _: listener,
    callbacks: "Sequence[Callback]" = (),
) -> "ResultGrid | None":
    """Train what the plan has, with a display. Gives Ray's result grid, or None for the inline executor.

    `lock`: told which trials run. `hear`: puts a listener of its own in the display's place. A cluster that
    `prepare` joined must still be joined. `callbacks`: Ray Tune's own; the inline executor has none.
    """
    if (schedule := prepared.schedule) is None:
        return None
    site, packs = schedule.site, prepared.plan.packs
    assignments = [_assignment(prepared, pack, schedule) for pack in packs]
    progress = Progress(
        packs,
        prepared.plan.seconds,
        [pack.spec.total_epochs(prepared.infos[pack.spec.dataset].train_size) for pack in packs],
        slots=site.slots,
        before=len(prepared.plan.finished),
        given_up=len(prepared.plan.given_up),
        held=len(prepared.plan.held),
    )
    if lock is not None:
        lock.running = progress.running_trials
    results = prepared.options.results
    with show(progress, f"{prepared.name} → {results}", interrupt, console) as shown:
        listener = Stopwatch(hear(shown, packs), site.slots)
        after = prepared.plan.after
        if prepared.options.executor == "inline":
            from orchestrator.execution.inline import run_inline

            gpus = int(sum(group.gpus for group in site.fleet)) if site.resources.gpus else 0
            run_inline(assignments, listener, interrupt, at_once=site.slots, gpus=gpus, after=after)
            overheads.keep(schedule.place, listener.measured)
            return None
        from orchestrator.cluster.session import cluster
        from orchestrator.execution.tune import run_on_ray

        vetted = schedule.vetted
        with nullcontext() if vetted else cluster(None, cores()):
            grid = run_on_ray(
                assignments,
                listener,
                interrupt,
                results=results,
                site=site,
                vetted=vetted,
                after=after,
                callbacks=callbacks,
            )
        overheads.keep(schedule.place, listener.measured)
        return grid


def _assignment(prepared: Prepared, pack: Pack, schedule: Schedule) -> Assignment:
    resources = schedule.site.resources
    return Assignment(
        pack,
        results=prepared.options.results,
        data_dir=prepared.options.data_dir,
        train_size=prepared.infos[pack.spec.dataset].train_size,
        device=resources.device,
        threads=resources.threads,
        max_failures=prepared.options.max_failures,
        fingerprint=prepared.infos[pack.spec.dataset].fingerprint,
        token=prepared.store.token,
        beside_others=resources.shares_gpu,
        kernels=schedule.chosen.of(pack.spec, alone=not resources.shares_gpu),
    )
