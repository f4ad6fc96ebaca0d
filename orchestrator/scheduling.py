"""Where the packs of a sweep train: how they are cut, in what order, by whose kernels, for how long."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model.data.dataset import DataInfo
from model.spec import Spec
from orchestrator.cluster.joined import Joined, Patience, ended_by
from orchestrator.cluster.kernels import KernelTiming, as_before, known_kernels
from orchestrator.cluster.sharing import sharing_of, untimed
from orchestrator.display.busy import Say
from orchestrator.grid.own import own_code
from orchestrator.grid.trial import Trial
from orchestrator.planning import measured, overheads
from orchestrator.planning.kernels import Chosen, timed_otherwise
from orchestrator.planning.local import alone, local_site, most_begun, pack_memory
from orchestrator.planning.options import Options
from orchestrator.planning.packing import Choice, choose, shorter
from orchestrator.planning.packs_per_gpu import Sharing, shared
from orchestrator.planning.plan import Plan, Remaining, by_length, in_packs
from orchestrator.planning.precision import refuse_precision
from orchestrator.planning.resources import Site
from orchestrator.planning.sharing import Gains, speed
from orchestrator.planning.throughput import Calibrate, EstimatedThroughput, observed, with_evaluation
from orchestrator.planning.wall_clock import Overheads, Place, wall_clock
from orchestrator.planning.way import way
from orchestrator.results.records import RunRecord
from orchestrator.results.trial_state import TrialState

if TYPE_CHECKING:
    from orchestrator.cluster.preflight import Vetted


@dataclass(frozen=True)
class Schedule:
    """Where the packs of a plan train, and how they were cut. `choices`: pack sizes and their reasons.

    `place`: see `planning.wall_clock`, and `overheads`: what a run there takes beside training.
    `estimate`: seconds from here to the last pack's end, None where nothing could be timed;
    `estimate_source`: by what, in words. `way`: by whose kernels, and why; `chosen`: the same for those who
    compute. `vetted`: the nodes of a joined cluster that were asked, None elsewhere. `sharing`: how many
    packs a GPU has and why, None where none trains.
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


def scheduled(
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
    site = as_before(site, runs)
    refuse_precision({trial.shared for trial in left.waiting}, site, here=join is None)
    choices = _choices(left.trials, infos, options, site)
    choices |= {spec: Choice(1, why) for spec, why in alone.items()}
    plan = in_packs(left, states, lambda spec: choices[spec].size, most_begun(infos, options, site))
    joined = join is not None
    chosen = known_kernels(plan, states, site, options, runs, joined=joined)
    tell = patience.say if patience else say  # minutes, in which a log would be silent
    timing = KernelTiming(site, infos, tell, joined, patience)
    lacking = None
    if join and not site.nodes:
        kept = timing.faster(_endless(plan), chosen)
        lacking = join.machine(patience) if untimed(plan, site, options, runs, infos, kept) else None
    if lacking == "":
        return scheduled(left, states, options, infos, join, alone, runs, say, patience)
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
        tell,
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
        from orchestrator.cluster.calibration import calibrator
        from orchestrator.cluster.own_code import sources

        ended = ended_by(patience)
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
