"""A run is a reconcile: declare, scan, plan what is missing, train it, report.

The first run, a resume, more seeds, a wider grid and a run of a finished sweep all go through `prepare`
and `execute`; none of them is a special case.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from model.data.dataset import DataInfo
from model.data.registry import describe, load
from model.errors import InputError
from model.machine import cores
from model.spec import Spec
from orchestrator.display.panel import show
from orchestrator.display.progress import Progress
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.trial import PROTOCOL, Trial
from orchestrator.planning import measured
from orchestrator.planning.local import local_site, pack_memory
from orchestrator.planning.options import Options
from orchestrator.planning.packing import Choice, choose
from orchestrator.planning.plan import Pack, Plan, by_length, make_plan, makespan
from orchestrator.planning.resources import Kind, Resources, Site
from orchestrator.planning.throughput import Pace, observed
from orchestrator.results.lock import Lock
from orchestrator.results.provenance import provenance
from orchestrator.results.records import DataFacts, RunRecord
from orchestrator.results.repair import repair_trials
from orchestrator.results.store import Store, TrialState

if TYPE_CHECKING:
    from orchestrator.cluster.preflight import Vetted


@dataclass(frozen=True)
class Prepared:
    """A sweep ready to run. `estimate`: seconds at that site, None where nothing is to be run or known."""

    name: str
    description: str
    options: Options
    store: Store
    infos: Mapping[str, DataInfo]
    states: Mapping[str, TrialState]
    plan: Plan
    site: Site
    choices: Mapping[Spec, Choice] = field(default_factory=dict)
    estimate: float | None = None
    estimate_source: str = ""
    warnings: tuple[str, ...] = ()
    vetted: "Vetted | None" = None


def describe_data(trials: Sequence[Trial], data_dir: str | None) -> dict[str, DataInfo]:
    """The facts of every data set of the sweep, each trial checked against them. Raises InputError."""
    infos = {name: describe(name, data_dir) for name in dict.fromkeys(trial.dataset for trial in trials)}
    for trial in trials:
        info = infos[trial.dataset]
        usable = info.train_size - trial.holdout
        if usable <= 0:
            raise InputError(
                f"holdout {trial.holdout}: {info.name} has {info.train_size} training images in all."
            )
        if trial.batch_size > usable:
            raise InputError(
                f"batch size {trial.batch_size} is larger than the training set: {info.name} has "
                f"{usable} training images{' after the hold-out' if trial.holdout else ''}."
            )
    return infos


def check_protocol(store: Store, trials: Sequence[Trial], states: Mapping[str, TrialState]) -> None:
    """Raises InputError where the folder holds trials of another training protocol: never a mixture."""
    declared = {trial.trial_id for trial in trials}
    for trial_id, identity in store.identities(i for i in states if i not in declared).items():
        protocol = identity.get("protocol")
        if protocol != PROTOCOL:
            raise InputError(
                f"{store.url} holds trials of protocol {protocol} ({trial_id}); this version trains protocol "
                f"{PROTOCOL}, and their numbers must not be mixed. Give another --results, or go on with the "
                f"version that made them (CHANGELOG.md says what changed)."
            )


def prepare(
    name: str,
    description: str,
    trials: Sequence[Trial],
    options: Options,
    *,
    infos: Mapping[str, DataInfo] | None = None,
    site: Callable[[], tuple[Site, "Vetted | None"]] | None = None,
    repair: bool = False,
) -> Prepared:
    """Reconcile what is declared with the store. Trains nothing. Raises InputError.

    `repair`: make damaged results again from their histories; without it nothing is written.

    `infos`: what `describe_data` gave, where that was asked already: it looks at every image of a folder.
    `site`: joins the cluster that is to train, says where packs go and has its nodes vetted; asked only
    where there are packs. None is this machine.
    """
    infos = infos or describe_data(trials, options.data_dir)
    store = Store(options.results)
    states = store.scan(history="check" if repair else False)
    check_protocol(store, trials, states)
    told = [warning for state in states.values() for warning in state.warnings]
    if repair and (repaired := repair_trials(store, trials, states, infos)):
        told += repaired
        states = store.scan()
    plan = make_plan(
        trials,
        states,
        pack_size=lambda _: 1,
        max_failures=options.max_failures,
        retry_failed=options.retry_failed,
    )
    nothing = Prepared(
        name,
        description,
        options,
        store,
        infos,
        states,
        plan,
        Site(Resources(1.0, 0.0, "cpu"), (Kind(1, 1, 0.0),)),
        warnings=tuple(told),
    )
    if not plan.packs:
        return nothing
    where, vetted = site() if site else (local_site(options), None)
    resources = where.resources
    choices = _choices(trials, infos, options, resources, where.slots)
    plan = make_plan(
        trials,
        states,
        pack_size=lambda spec: choices[spec].size,
        max_failures=options.max_failures,
        retry_failed=options.retry_failed,
    )
    pace = Pace(
        observed(trials, states),
        infos,
        device=resources.device,
        threads=max(1, int(resources.cpus)),
        **_calibration(options, where, joined=site is not None),
    )
    plan = by_length(plan, pace, lambda dataset: infos[dataset].train_size)
    return replace(
        nothing,
        plan=plan,
        site=where,
        vetted=vetted,
        choices=choices,
        estimate=None if pace.guessed else makespan(plan.seconds, where.slots),
        estimate_source=pace.source,
    )


def _calibration(options: Options, site: Site, *, joined: bool) -> dict[str, Any]:
    """How packs that have no history are timed: from what was measured elsewhere, or where they will run."""
    if options.throughput_from:
        times = measured.of(options.throughput_from)
        return {"calibrate": times.training, "calibration": times.source}
    if not joined:
        return {}
    from orchestrator.cluster.calibration import calibrator

    return {"calibrate": calibrator(site)}


def _choices(
    trials: Sequence[Trial],
    infos: Mapping[str, DataInfo],
    options: Options,
    resources: Resources,
    slots: int,
) -> dict[Spec, Choice]:
    seeds = Counter(trial.spec for trial in trials)
    if options.pack is not None:
        return {spec: Choice(options.pack, "as --pack says") for spec in seeds}
    return {
        spec: choose(
            spec,
            count,
            infos[spec.dataset],
            device=resources.device,
            cells=seeds.values(),
            slots=slots,
            memory=None if options.address else pack_memory(spec, infos[spec.dataset], resources, slots),
        )
        for spec, count in seeds.items()
    }


def declare(prepared: Prepared, command: str) -> None:
    """Write down what the sweep consists of and open its trials. Raises InputError; trains nothing.

    The data is loaded once here, which downloads or decodes it into the cache for every worker of this
    machine, and finds what is wrong with it before anything runs.
    """
    for dataset, holdout in {(pack.spec.dataset, pack.spec.holdout) for pack in prepared.plan.packs}:
        load(dataset, prepared.options.data_dir, holdout)
    store, plan = prepared.store, prepared.plan
    waiting = [trial for pack in plan.packs for trial in pack.trials]
    store.verify([trial for trial in plan.trials if trial.trial_id in prepared.states])
    facts: dict[str, DataFacts] = {
        name: {
            "fingerprint": info.fingerprint,
            "train_size": info.train_size,
            "test_size": info.test_size,
            "classes": len(info.classes),
            "image": [info.channels, info.height, info.width],
        }
        for name, info in prepared.infos.items()
    }
    store.declare(
        prepared.name,
        plan.trials,
        description=prepared.description,
        data=facts,
        provenance={**provenance(), "command": command},
        run=_run_record(prepared),
    )
    store.open(waiting)
    if prepared.options.retry_failed:
        store.forget_failures(trial.trial_id for trial in waiting)


def _run_record(prepared: Prepared) -> RunRecord | None:
    """What this run means to do, to be held against the truth; None where there is nothing to do."""
    if not prepared.plan.packs:
        return None
    return {
        "begun": time.time(),
        "estimate_seconds": prepared.estimate,
        "trials": prepared.plan.waiting,
        "packs": len(prepared.plan.packs),
        "slots": prepared.site.slots,
        "cpus_per_pack": prepared.site.resources.cpus,
        "gpus_per_pack": prepared.site.resources.gpus,
    }


def execute(
    prepared: Prepared,
    console: Console,
    interrupt: Interrupt,
    lock: Lock | None = None,
) -> Any:
    """Train what the plan has, with a display. Gives Ray's result grid, or None for the inline executor.

    `lock`: told which trials run. A cluster that `prepare` joined must still be joined.
    """
    assignments = [_assignment(prepared, pack) for pack in prepared.plan.packs]
    progress = Progress(
        prepared.plan.packs,
        prepared.plan.seconds,
        [
            pack.spec.total_epochs(prepared.infos[pack.spec.dataset].train_size)
            for pack in prepared.plan.packs
        ],
        slots=prepared.site.slots,
        before=len(prepared.plan.finished),
        given_up=len(prepared.plan.given_up),
    )
    if lock is not None:
        lock.running = progress.running_trials
    with show(progress, f"{prepared.name} → {prepared.options.results}", interrupt, console) as listener:
        if prepared.options.executor == "inline":
            from orchestrator.execution.inline import run_inline

            gpus = math.ceil(prepared.site.slots * prepared.site.resources.gpus)
            return run_inline(assignments, listener, interrupt, at_once=prepared.site.slots, gpus=gpus)
        from orchestrator.cluster.session import cluster
        from orchestrator.execution.tune import run_on_ray

        site = prepared.site
        shared = 0 < site.resources.gpus < 1
        with nullcontext() if prepared.vetted else cluster(None, cores(), shared_gpus=shared):
            return run_on_ray(
                assignments,
                listener,
                interrupt,
                results=prepared.options.results,
                site=site,
                vetted=prepared.vetted,
            )


def _assignment(prepared: Prepared, pack: Pack) -> Assignment:
    options = prepared.options
    return Assignment(
        pack,
        results=options.results,
        data_dir=options.data_dir,
        train_size=prepared.infos[pack.spec.dataset].train_size,
        device=prepared.site.resources.device,
        threads=max(1, int(prepared.site.resources.cpus)),
        max_failures=options.max_failures,
    )
