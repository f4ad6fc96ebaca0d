"""A sweep played on a number of workers: its plan, as the product makes it, on `paper_cluster`."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from model.data.dataset import DataInfo
from orchestrator.grid.trial import Trial
from orchestrator.planning.measured import MeasuredThroughput
from orchestrator.planning.packing import choose, shorter
from orchestrator.planning.plan import by_length, make_plan
from orchestrator.simulate.paper_cluster import Outcome, PaperPack, Setting, simulate

_HOUR = 3600.0


@dataclass(frozen=True)
class Played:
    """A number of workers: medians over the repeats. Hours; all but `makespan` (with its extremes `low` and
    `high`) and `bound` are worker-hours. `undisturbed`: the makespan without losses and delays."""

    workers: int
    packs: int
    bound: float
    undisturbed: float
    makespan: float
    low: float
    high: float
    paid: float
    work: float
    lost: float
    starting: float
    idle: float
    losses: float
    nodes: float


def paper_packs(
    trials: Sequence[Trial],
    times: MeasuredThroughput,
    infos: dict[str, DataInfo],
    workers: int,
    pack_size: int | None = None,
) -> list[PaperPack]:
    """The packs of a sweep that has not begun, in the plan's order; `pack_size`: None to choose.
    Raises InputError."""
    seeds = Counter(trial.shared for trial in trials)
    cells = list(seeds.values())
    choices = {
        spec: choose(spec, count, infos[spec.dataset], device="cpu", cells=cells, slots=workers)
        for spec, count in seeds.items()
    }
    choices = shorter(choices, seeds, infos, device="cpu", slots=workers)
    plan = make_plan(trials, {}, pack_size=lambda spec: pack_size or choices[spec].size, max_failures=1)
    plan = by_length(
        plan,
        lambda spec, replicas: times(spec, replicas, infos[spec.dataset]),
        lambda name: infos[name].train_size,
    )
    return [
        PaperPack(seconds, pack.spec.total_epochs(infos[pack.spec.dataset].train_size))
        for seconds, pack in zip(plan.seconds, plan.packs, strict=True)
    ]


def play(packs: Sequence[PaperPack], setting: Setting, repeats: int) -> Played:
    """The setting with and without what goes wrong. Raises InputError."""
    undisturbed = simulate(packs, Setting(setting.workers, setting.per_node))
    if setting.mtbf is None:
        repeats = 1
    outcomes = [simulate(packs, replace(setting, seed=setting.seed + repeat)) for repeat in range(repeats)]

    def mid(of: Callable[[Outcome], float]) -> float:
        return median(of(outcome) for outcome in outcomes)

    return Played(
        workers=setting.workers,
        packs=len(packs),
        bound=undisturbed.bound / _HOUR,
        undisturbed=undisturbed.makespan / _HOUR,
        makespan=mid(lambda o: o.makespan) / _HOUR,
        low=min(o.makespan for o in outcomes) / _HOUR,
        high=max(o.makespan for o in outcomes) / _HOUR,
        paid=mid(lambda o: o.paid) / _HOUR,
        work=mid(lambda o: o.work) / _HOUR,
        lost=mid(lambda o: o.lost) / _HOUR,
        starting=mid(lambda o: o.starting) / _HOUR,
        idle=mid(lambda o: o.idle) / _HOUR,
        losses=mid(lambda o: o.losses),
        nodes=mid(lambda o: o.nodes),
    )
