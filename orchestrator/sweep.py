"""A run is a reconcile: declare, scan, plan what is missing, train it, report.

The first run, a resume, more seeds, a wider grid and a run of a finished sweep all go through `prepare`
and `execute`; none of them is a special case.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console

from model.data.dataset import DataInfo
from model.data.registry import is_fetched, load
from model.machine import cores
from model.spec import Spec
from orchestrator.cluster.joined import Joined, Patience
from orchestrator.cluster.kernels import KernelTiming, known_kernels
from orchestrator.cluster.sharing import sharing_of, untimed
from orchestrator.display.busy import Say, quiet
from orchestrator.display.panel import show
from orchestrator.display.progress import Progress
from orchestrator.display.uncounted import uncounted
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.events import Listener
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.stopwatch import Stopwatch
from orchestrator.grid.own import own_code
from orchestrator.grid.trial import Trial
from orchestrator.planning import kernels, measured, overheads
from orchestrator.planning.alike import alike
from orchestrator.planning.alone import warnings
from orchestrator.planning.analysis import changed_plan
from orchestrator.planning.changes import changed_in_the_middle
from orchestrator.planning.data import data_facts, describe_data
from orchestrator.planning.edited import edited
from orchestrator.planning.first_step import examined
from orchestrator.planning.kernels import Chosen, timed_otherwise
from orchestrator.planning.local import alone, local_site, most_begun, pack_memory
from orchestrator.planning.options import Options
from orchestrator.planning.packing import Choice, choose, shorter
from orchestrator.planning.packs_per_gpu import Sharing, record_of, shared
from orchestrator.planning.parents import check_parents
from orchestrator.planning.plan import Pack, Plan, Remaining, by_length, in_packs, remaining
from orchestrator.planning.precision import refuse_precision
from orchestrator.planning.resources import Site
from orchestrator.planning.sharing import Gains, speed
from orchestrator.planning.throughput import Calibrate, EstimatedThroughput, observed, with_evaluation
from orchestrator.planning.wall_clock import Overheads, Place, wall_clock
from orchestrator.planning.way import way
from orchestrator.results.archives import kept_at
from orchestrator.results.inventory import inventory
from orchestrator.results.lock import Lock
from orchestrator.results.mixing import check_code
from orchestrator.results.provenance import provenance, version
from orchestrator.results.records import AnalysisPlan, CodeRecord, RunRecord, TuningRecord
from orchestrator.results.source import training_code
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState

if TYPE_CHECKING:
    from ray.tune import Callback, ResultGrid

    from orchestrator.cluster.preflight import Vetted


#: Gives a listener that passes on what it hears of these packs to the one given.
Hear = Callable[[Listener, Sequence[Pack]], Listener]


@dataclass(frozen=True)
class Schedule:
    """Where the packs of a plan train, and how they were cut. `choices`: pack sizes and their reasons.

    `place`: see `planning.wall_clock`, and `overheads`: what a run there takes beside training.
    `estimate`: seconds from here to the last pack's end, None where nothing could be timed;
    `estimate_source`: by what, in words. `way`: by whose kernels, and why; `chosen`: the same for those who
    compute. `vetted`: the nodes of a joined
    cluster that were asked, None elsewhere. `sharing`: how many packs a GPU has and why, None where none
    trains.
    """

    site: Site
    choices: Mapping[Spec, Choice]
    estimate: float | None
    estimate_source: str
    way: str
    chosen: Chosen
    vetted: "Vetted | None"
    place: Place
    overheads: Overheads
    sharing: Sharing | None = None


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
        plan, schedule = _schedule(left, states, options, infos, join, alone, runs, say, patience)
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


def _schedule(
    left: Remaining,
    states: Mapping[str, TrialState],
    options: Options,
    infos: Mapping[str, DataInfo],
    join: Joined | None,
    alone: Mapping[Spec, str],
    runs: Sequence[RunRecord],
    say: Say,
    patience: Patience | None,
) -> tuple[Plan, Schedule]:
    """The packs of what is left, longest first, and where they go; those in `alone` of one seed each. `runs`:
    of this sweep, before."""
    say("Asking the cluster" if join else "Looking at this machine")
    site, vetted = join() if join else (local_site(options), None)
    refuse_precision({trial.shared for trial in left.waiting}, site, here=join is None)
    choices = _choices(left.trials, infos, options, site)
    choices |= {spec: Choice(1, why) for spec, why in alone.items()}
    plan = in_packs(left, states, lambda spec: choices[spec].size, most_begun(infos, options, site))
    joined = join is not None
    chosen = known_kernels(plan, states, site, options, runs, joined=joined)
    timing = KernelTiming(site, infos, say, joined, patience)
    lacking = None
    if join and not site.nodes:
        kept = timing.faster(_endless(plan), chosen)
        lacking = join.machine(patience) if untimed(plan, site, options, runs, infos, kept) else None
    if lacking == "":
        return _schedule(left, states, options, infos, join, alone, runs, say, patience)
    throughput = _throughput(left.trials, states, options, infos, site, chosen, patience, joined=joined)
    say("Timing a few steps")
    plan = by_length(plan, throughput, lambda dataset: infos[dataset].train_size)

    def computed_by(chosen: Chosen) -> Plan:
        timed = () if options.throughput_from else timed_otherwise(chosen, plan, infos)
        throughput.compute_by(chosen.of, timed)
        return by_length(plan, throughput, lambda dataset: infos[dataset].train_size)

    def unguessed(plan: Plan) -> Plan:
        return _endless(plan) if throughput.guessed else plan

    if (faster := timing.faster(unguessed(plan), chosen)) is not chosen:
        chosen, plan = faster, computed_by(faster)
    gains = throughput.gains
    if sharing := sharing_of(
        unguessed(plan),
        site,
        options,
        runs,
        infos,
        chosen,
        say,
        joined=joined,
        lacking=lacking,
        patience=patience,
    ):
        site = site if options.share else shared(site, sharing.packs)
        gains = Gains(sharing.ladder.gains) if sharing.ladder else gains
        if not site.resources.shares_gpu and (aside := timing.aside(plan, chosen)) is not chosen:
            chosen, plan = aside, computed_by(aside)
    place: Place = "inline" if options.executor == "inline" else "cluster" if join else "ray"
    estimate, beside = None, overheads.of(place)
    if not throughput.guessed:
        packs = [*zip(plan.seconds, epochs_left(plan, infos), strict=True)]
        estimate = wall_clock(packs, site.slots, plan.after, beside, speed(site, gains))
    how = way({trial.shared for trial in left.waiting}, infos, site, chosen, here=not joined)
    return plan, Schedule(
        site, choices, estimate, throughput.source, how, chosen, vetted, place, beside, sharing
    )


def _endless(plan: Plan) -> Plan:
    """Of unknown length, which is no reason to time nothing."""
    return replace(plan, seconds=(math.inf,) * len(plan.packs))


def epochs_left(plan: Plan, infos: Mapping[str, DataInfo]) -> list[int]:
    """Of each pack."""
    return [pack.spec.total_epochs(infos[pack.spec.dataset].train_size) - pack.epoch for pack in plan.packs]


def _throughput(
    trials: Sequence[Trial],
    states: Mapping[str, TrialState],
    options: Options,
    infos: Mapping[str, DataInfo],
    site: Site,
    chosen: Chosen,
    patience: Patience | None,
    *,
    joined: bool,
) -> EstimatedThroughput:
    """From the sweep's own history; what has none is timed where it will run, or taken from elsewhere."""
    calibrate: Calibrate | None = None
    source, gains = "a short calibration", None
    if options.throughput_from:
        measured_there = measured.of(options.throughput_from)
        calibrate, source = measured_there.training, measured_there.source
        gains = measured_there.gains
    elif joined:
        from orchestrator.cluster.calibration import calibrator, nobody
        from orchestrator.cluster.own_code import sources

        ended = patience.ended if patience else nobody
        calibrate = calibrator(site, sources(own_code(trials)), ended)
    return EstimatedThroughput(
        observed(trials, states, lambda spec: _evaluation(spec, infos[spec.dataset])),
        infos,
        device=site.resources.device,
        threads=site.resources.threads,
        calibrate=calibrate,
        calibration=source,
        gains=gains,
        kernels=chosen.of,
    )


def _evaluation(spec: Spec, info: DataInfo) -> float:
    return with_evaluation(spec, info.train_size, info.test_size)


def _choices(
    trials: Sequence[Trial],
    infos: Mapping[str, DataInfo],
    options: Options,
    site: Site,
) -> dict[Spec, Choice]:
    seeds = Counter(trial.shared for trial in trials)
    # How many packs share a GPU cuts none of them: their numbers stay as they are.
    slots = site.slots // (site.resources.packs_per_gpu if options.packs_per_gpu else 1)
    choices = {}
    for spec, count in seeds.items():
        info = infos[spec.dataset]
        if reason := alone(spec, info):
            choices[spec] = Choice(1, reason)
            continue
        if options.pack is not None:
            choices[spec] = Choice(options.pack, "as --pack says")
            continue
        here = None if options.address else pack_memory(spec, info, site.resources, site.slots)
        choices[spec] = choose(
            spec,
            count,
            info,
            device=site.resources.device,
            cells=seeds.values(),
            slots=max(1, slots),
            memory=here,
        )
    if options.pack is not None:
        return choices
    return shorter(choices, seeds, infos, device=site.resources.device, slots=max(1, slots))


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
