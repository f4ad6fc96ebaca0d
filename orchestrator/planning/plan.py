"""Declared minus done: the packs to run, in what order, and how long they will take. Pure.

A pack is a set of trials that differ in the seed, or in another per-replica axis such as the learning rate,
trained together by one worker. A pack keeps its composition for life:
seeds that a kill left an epoch apart go back to the last epoch that all of them have. On a CPU any other pack
would give the same bits; on a GPU which seeds share a pack changes the order of floating-point sums, and so
the numbers stay as near the undisturbed run's as they can. Only seeds without a checkpoint are packed anew,
and a pack that has begun is cut only where a person or its memory wants that; see `changes` for what is said.

The longest pack goes first: a pack started last must not be the one that everybody waits for (Graham's
LPT rule). Where trials start from others, what counts is the time until the last of those is done that wait
for the pack (critical path), so that parents come before their children.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from model.spec import AXES, PER_REPLICA, Spec
from orchestrator.grid.trial import Trial
from orchestrator.planning.order import After, longest_first
from orchestrator.results.parents import held_by
from orchestrator.results.trial_state import TrialState

#: Images per second of a pack of that many replicas, all of them together.
Throughput = Callable[[Spec, int], float]
#: How many replicas a pack of this cell may have. Must not depend on what is done already: a resumed
#: sweep has to cut its packs as the undisturbed one would.
PackSize = Callable[[Spec], int]
#: How many replicas a pack of this cell may have that has begun; None where as many as it has.
MostBegun = Callable[[Spec], int | None]
#: The training images of a data set before the hold-out.
TrainSize = Callable[[str], int]


@dataclass(frozen=True)
class Pack:
    """Trials that train together as replicas of one network, from `epoch`, the last that all have.

    They are of one cell, or of cells that differ in per-replica axes alone.
    """

    trials: tuple[Trial, ...]
    epoch: int = 0

    @property
    def spec(self) -> Spec:
        """What all of them share; of one cell, that cell."""
        specs = {trial.spec for trial in self.trials}
        return specs.pop() if len(specs) == 1 else self.trials[0].shared

    @property
    def name(self) -> str:
        """What a person calls it: norm, batch size, what else differs, seeds."""
        return self.named(self.spec.name)

    def named(self, cell: str) -> str:
        """The same where its cell is called so, to be told from others: see `display.cell_names`."""
        seeds = sorted({t.seed for t in self.trials})
        several = [
            f"{len(values)} values of {AXES[axis].label.lower()}"
            for axis in PER_REPLICA
            if len(values := {getattr(t, axis) for t in self.trials}) > 1
        ]
        words = "seed" if len(seeds) == 1 else "seeds"
        return ", ".join([cell, *several, f"{words} {_ranges(seeds)}"])

    def images_left(self, train_size: int) -> int:
        """Training images still to be seen, all replicas together."""
        spec = self.spec
        done = self.epoch * spec.steps_per_epoch(train_size)
        steps = max(0, spec.total_steps(train_size) - done)
        return steps * spec.batch_size * len(self.trials)


@dataclass(frozen=True)
class Plan:
    """What a run would do. `finished`, `given_up` and `undeclared` are trial ids; `held`: trials that cannot
    begin, and which given up one each starts from, by id."""

    trials: tuple[Trial, ...]
    packs: tuple[Pack, ...]
    finished: frozenset[str]
    given_up: frozenset[str]
    undeclared: tuple[str, ...]
    seconds: tuple[float, ...] = field(default=())
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        return sum(len(pack.trials) for pack in self.packs)

    @cached_property
    def after(self) -> After:
        """For each pack the packs that have to end before it begins: those of its trials' parents."""
        pack_of = {trial.trial_id: i for i, pack in enumerate(self.packs) for trial in pack.trials}
        return tuple(
            frozenset(pack_of[t.parent_id] for t in pack.trials if t.parent_id in pack_of)
            for pack in self.packs
        )

    @property
    def first(self) -> int:
        """Trials of this run that others of it start from."""
        ids = {trial.trial_id for pack in self.packs for trial in pack.trials}
        return len({t.parent_id for pack in self.packs for t in pack.trials} & ids)


@dataclass(frozen=True)
class Remaining:
    """What is declared, minus what is done: `waiting` in the order declared, the rest as in a Plan."""

    trials: tuple[Trial, ...]
    waiting: tuple[Trial, ...]
    finished: frozenset[str]
    given_up: frozenset[str]
    undeclared: tuple[str, ...]
    held: Mapping[str, str]


def remaining(
    trials: Sequence[Trial],
    states: Mapping[str, TrialState],
    *,
    max_failures: int,
    retry_failed: bool = False,
) -> Remaining:
    """Hold what is declared against what the store has.

    A trial that failed `max_failures` times is left alone unless `retry_failed`.
    """
    by_id = {trial.trial_id: trial for trial in trials}
    finished = frozenset(i for i in by_id if i in states and states[i].finished)
    given_up = frozenset(
        i for i in by_id if not retry_failed and i in states and exhausted(states[i], max_failures)
    )
    parents = {i: trial.parent_id for i, trial in by_id.items() if trial.parent_id is not None}
    held = {i: up for i, up in held_by(parents, finished, given_up).items() if i not in given_up}
    out = finished | given_up | held.keys()
    waiting = tuple(trial for i, trial in by_id.items() if i not in out)
    undeclared = tuple(sorted(i for i in states if i not in by_id))
    return Remaining(tuple(trials), waiting, finished, given_up, undeclared, held)


def in_packs(
    left: Remaining,
    states: Mapping[str, TrialState],
    pack_size: PackSize,
    most_begun: MostBegun = lambda _: None,
) -> Plan:
    """What is left, in packs, in the order declared; `by_length` puts the longest first."""
    cells: dict[Spec, list[Trial]] = {}
    for trial in left.waiting:
        cells.setdefault(trial.shared, []).append(trial)
    packs = [made for own in cells.values() for made in _packs(own, states, pack_size, most_begun)]
    return Plan(left.trials, tuple(packs), left.finished, left.given_up, left.undeclared, held=left.held)


def make_plan(
    trials: Sequence[Trial],
    states: Mapping[str, TrialState],
    *,
    pack_size: PackSize,
    most_begun: MostBegun = lambda _: None,
    max_failures: int,
    retry_failed: bool = False,
) -> Plan:
    """`remaining` and `in_packs` in one, where pack sizes are known beforehand."""
    left = remaining(trials, states, max_failures=max_failures, retry_failed=retry_failed)
    return in_packs(left, states, pack_size, most_begun)


def exhausted(state: TrialState, max_failures: int) -> bool:
    """Whether a trial has had all its attempts."""
    return not state.finished and state.failure is not None and state.attempts >= max_failures


def by_length(plan: Plan, throughput: Throughput, train_size: TrainSize) -> Plan:
    """The plan with its packs longest first and an estimate of each one's seconds."""
    seconds = [
        pack.images_left(train_size(pack.spec.dataset)) / throughput(pack.spec, len(pack.trials))
        for pack in plan.packs
    ]
    order = longest_first(seconds, plan.after)
    return replace(plan, packs=tuple(plan.packs[i] for i in order), seconds=tuple(seconds[i] for i in order))


def common_epoch(checkpoints: Iterable[Iterable[int]]) -> int:
    """The last epoch that every trial has a checkpoint of; 0, the beginning, where there is none."""
    sets = [{0, *epochs} for epochs in checkpoints]
    return max(set.intersection(*sets))


def _packs(
    waiting: list[Trial], states: Mapping[str, TrialState], pack_size: PackSize, most_begun: MostBegun
) -> list[Pack]:
    """Packs of one cell: those that have begun keep together, the others are cut to size."""
    spec = waiting[0].shared
    begun: dict[tuple[str, ...], list[Trial]] = {}
    fresh: list[Trial] = []
    for trial in waiting:
        state = states.get(trial.trial_id)
        if state is not None and state.epochs:
            begun.setdefault(tuple(state.pack), []).append(trial)
        else:
            fresh.append(trial)
    groups: list[list[Trial]] = []
    for companions, members in begun.items():
        # A kill during a pack's first checkpoints leaves some of its trials with none; they still belong.
        late = [trial for trial in fresh if trial.trial_id in companions]
        fresh = [trial for trial in fresh if trial not in late]
        order = {trial_id: index for index, trial_id in enumerate(companions)}
        most = most_begun(spec) or len(companions)
        groups += _chunks(sorted(members + late, key=lambda t: order.get(t.trial_id, -1)), most)
    groups += _chunks(fresh, pack_size(spec))
    return [
        Pack(
            tuple(group),
            common_epoch(states[t.trial_id].epochs if t.trial_id in states else () for t in group),
        )
        for group in groups
    ]


def _chunks(trials: list[Trial], size: int) -> list[list[Trial]]:
    """As even as they can be: 5 seeds in packs of at most 4 are 3 + 2, not 4 + 1."""
    if not trials:
        return []
    count = -(-len(trials) // size)
    base, extra = divmod(len(trials), count)
    cut, start = [], 0
    for index in range(count):
        end = start + base + (index < extra)
        cut.append(trials[start:end])
        start = end
    return cut


def _ranges(seeds: list[int]) -> str:
    """1, 2, 3, 7 -> 1–3,7."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}–{p[-1]}" for p in parts)
