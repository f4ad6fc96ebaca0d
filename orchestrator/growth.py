"""A sweep whose plan grows out of its own results: each round trains what is known, until nothing is new.

What is to be trained is a function of what the folder holds. So a run that is killed between two rounds, or
in the middle of one, and one that widens a finished sweep, come back to the very plan of a run that nothing
disturbed.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from orchestrator.execution.signals import Interrupt
from orchestrator.grid.trial import Trial
from orchestrator.planning.options import Options
from orchestrator.planning.plan import Pack
from orchestrator.planning.wall_clock import wall_clock
from orchestrator.scheduling import epochs_left
from orchestrator.sweep import Prepared

#: Every trial that there is, by the results as they are now. Of results that only grow it only grows.
Following = Callable[[Options], Sequence[Trial]]
#: Trains and reports trials; gives what was prepared and the report's place.
Train = Callable[[Sequence[Trial], Options], tuple[Prepared, str]]


def grown(following: Following, train: Train, options: Options, interrupt: Interrupt) -> tuple[Prepared, str]:
    """Every round that follows from what there is, until nothing is new or somebody interrupts; gives what
    the last one gave."""
    trials = following(options)
    while True:
        done = train(trials, options)
        if interrupt.requested:
            return done
        options = replace(options, retry_failed=False)  # once is what was asked
        known, trials = set(trials), following(options)
        if known.issuperset(trials):
            return done


def stages(prepared: Prepared, known: Sequence[Trial]) -> list[Prepared]:
    """A plan cut in two: the trials that are `known`, then those that their results will ask for, if any."""
    first = {trial.trial_id for trial in known}
    parts = [_part(prepared, first, inside=True), _part(prepared, first, inside=False)]
    return [part for part in parts if part.plan.trials]


def _part(prepared: Prepared, ids: set[str], *, inside: bool) -> Prepared:
    plan, schedule = prepared.plan, prepared.schedule

    def wanted(trial_id: str) -> bool:
        return (trial_id in ids) == inside

    kept = [tuple(t for t in pack.trials if wanted(t.trial_id)) for pack in plan.packs]
    packs = tuple(Pack(own, pack.epoch) for own, pack in zip(kept, plan.packs, strict=True) if own)
    seconds = tuple(
        each * len(own) / len(pack.trials)
        for own, pack, each in zip(kept, plan.packs, plan.seconds, strict=bool(plan.seconds))
        if own
    )
    part = replace(
        plan,
        trials=tuple(t for t in plan.trials if wanted(t.trial_id)),
        packs=packs,
        finished=frozenset(filter(wanted, plan.finished)),
        given_up=frozenset(filter(wanted, plan.given_up)),
        undeclared=plan.undeclared if inside else (),
        seconds=seconds,
        held={trial_id: above for trial_id, above in plan.held.items() if wanted(trial_id)},
    )
    if schedule is not None:
        timed_packs = [*zip(seconds, epochs_left(part, prepared.infos), strict=True)]
        wall = wall_clock(timed_packs, schedule.site.slots, part.after, schedule.overheads)
        timed = None if schedule.estimate is None else wall
        schedule = replace(schedule, estimate=timed) if packs else None
    return replace(prepared, plan=part, schedule=schedule)
