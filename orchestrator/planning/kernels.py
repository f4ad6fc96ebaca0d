"""By whose kernels each cell is computed on a GPU: `--kernels auto`, decided from what was timed. Pure.

Which kernels are the faster ones depends on the GPU, the network and the batch size, and was measured on one
GPU alone: a rule follows from that (`model.kernels`). So a plan times the kinds of cells that it has, those
first that take longest. The rule's kernels stay unless others are clearly faster. What was chosen is written
down and kept: sums have another order by other kernels, and a trial should have one from its beginning to its
end, whichever worker has it and however often it is resumed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from model.data.dataset import DataInfo
from model.errors import InputError, summary
from model.kernels import KERNELS, WORTH, Kernels, by_rule, named
from model.spec import Spec
from orchestrator.planning.packs_per_gpu import kind, too_short
from orchestrator.planning.plan import Plan
from orchestrator.planning.resources import NoMachineError
from orchestrator.results.records import KernelsRecord, RunRecord
from orchestrator.results.stretches import stretches_of
from orchestrator.results.trial_state import TrialState

#: Seconds for all cells by ours and by torch's, and for what is then tried of ours.
_SECONDS, _ASIDE_SECONDS = 45.0, 15.0
#: Of what the plan takes, at most, for both together.
_SHARE = 0.1

#: Training images a second of a kind of cell, by kernels.
Rates = Mapping[Kernels, float]


@dataclass(frozen=True)
class Timings:
    """`rates`: of the first so many of the cells that were asked about, by those kernels that could be timed.
    `unusable`: by precision why kernels of ours cannot be used there."""

    rates: Sequence[Rates]
    unusable: Mapping[str, str] = field(default_factory=dict)


#: Cells, and replicas of each.
Cells = Sequence[tuple[Spec, int]]
#: Times cells by each of these kernels, for about so many seconds.
Time = Callable[[Cells, Sequence[Kernels], float], Timings]


@dataclass(frozen=True)
class Chosen:
    """Whose kernels compute, by kind of cell; what is not in `kernels` follows the rule.

    `said`: as somebody said, of all. `rates`: of the kinds that were timed; the others of `kernels` have the
    rule's because there was no time, or those that their trials began with. `now`: those chosen for this plan
    and not by an earlier run. `device`: where. `unusable`: by precision, why ours cannot be used there.
    `trouble`: why nothing could be timed.
    """

    said: Kernels | None = None
    kernels: Mapping[str, Kernels] = field(default_factory=dict)
    rates: Mapping[str, Rates] = field(default_factory=dict)
    now: frozenset[str] = frozenset()
    device: str | None = None
    unusable: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""

    @property
    def by_rule(self) -> bool:
        """Whether nobody has said, timed or tried to time any."""
        return not (self.said or self.kernels or self.trouble or self.unusable)

    def of(self, spec: Spec, *, alone: bool = True) -> Kernels | None:
        """None follows the rule. `alone`: whether a pack has its GPU to itself; else nothing runs aside."""
        found = self.said or self.kernels.get(kind(spec))
        return "ours" if found == "aside" and not alone else found


def rule(spec: Spec, infos: Mapping[str, DataInfo]) -> Kernels:
    """Where nobody has timed the cell."""
    info = infos[spec.dataset]
    return by_rule(spec.batch_size * info.height * info.width)


def decide(rates: Rates, usual: Kernels) -> Kernels:
    """The fastest of those that could be timed, where it is worth more than keeping to the usual ones."""
    if not rates:
        return usual
    best = max(rates, key=lambda kernels: rates[kernels])
    return best if rates[best] >= WORTH * rates.get(usual, 0.0) else usual


def dearest(plan: Plan) -> dict[str, tuple[Spec, int]]:
    """A pack's cell and replicas of each kind in the plan, by kind, those first whose packs take longest."""
    seconds, packs = dict[str, float](), dict[str, tuple[Spec, int]]()
    for pack, took in zip(plan.packs, plan.seconds, strict=True):
        name = kind(pack.spec)
        seconds[name] = seconds.get(name, 0.0) + took
        packs.setdefault(name, (pack.spec, len(pack.trials)))
    return {name: packs[name] for name in sorted(packs, key=lambda name: -seconds[name])}


def settled(
    said: Kernels | None,
    runs: Sequence[RunRecord],
    device: str | None,
    plan: Plan,
    states: Mapping[str, TrialState],
) -> Chosen:
    """What needs no timing: as somebody says, else as earlier runs chose on such a device, else as trials of
    its kinds have begun there. `device`: None where it is not up to be asked, and then as the latest did."""
    if said:
        return Chosen(said=said)
    known = remembered(runs, device)
    begun = _begun(plan, states, device, {kind(pack.spec) for pack in plan.packs} - known.kernels.keys())
    return replace(known, kernels={**begun, **known.kernels}, device=device)


def _begun(
    plan: Plan, states: Mapping[str, TrialState], device: str | None, wanted: Set[str]
) -> Mapping[str, Kernels]:
    """Of these kinds: those that trials are in the middle of, else those that others had to their end. Of old
    versions, of a run that was too short to time any or could not, or where somebody said which."""
    found: dict[str, Kernels] = {}
    middle = [trial for pack in plan.packs for trial in pack.trials]
    for trial in [*middle, *(trial for trial in plan.trials if trial.trial_id in plan.finished)]:
        state = states.get(trial.trial_id)
        if (
            state is None
            or len(found) == len(wanted)
            or (name := kind(trial.shared)) not in wanted - found.keys()
        ):
            continue
        stretches = stretches_of({**(state.result or state.history or {})})
        facts = stretches[-1]["provenance"] if stretches else {}
        if (device or "") in (facts.get("device") or "") and (by := named(facts.get("kernels"))):
            found[name] = by
    return found


def chosen_for(plan: Plan, known: Chosen, infos: Mapping[str, DataInfo], slots: int, time: Time) -> Chosen:
    """With what `plan` has beside; `slots`: packs at once. Nothing is timed for a plan that is soon over.
    Raises InputError."""
    cells = {name: one for name, one in dearest(plan).items() if name not in known.kernels}
    whole = sum(plan.seconds) / max(1, slots)
    if known.said or not cells or too_short(whole):
        return known
    try:
        timings = time([*cells.values()], ("ours", "torch"), _in(whole, _SECONDS))
    except InputError:
        raise
    except NoMachineError as error:
        return replace(known, trouble=str(error))
    except Exception as error:  # a plan must not fail by what only makes it faster
        return replace(known, trouble=summary(error))
    usable = {name: one for name, one in cells.items() if one[0].precision not in timings.unusable}
    found = dict(zip(cells, timings.rates, strict=False))
    rates = {name: found[name] for name in usable if found.get(name)}
    kernels = {name: decide(rates.get(name, {}), rule(spec, infos)) for name, (spec, _) in usable.items()}
    return replace(
        known,
        kernels={**known.kernels, **kernels},
        rates={**known.rates, **rates},
        now=frozenset(usable),
        unusable=timings.unusable,
    )


def with_aside(plan: Plan, chosen: Chosen, slots: int, time: Time) -> Chosen:
    """The same, where each pack has a GPU to itself: of the cells that were timed just now and have ours,
    those have weights' gradients on a stream of their own that gain by it."""
    cells = {
        name: one
        for name, one in dearest(plan).items()
        if name in chosen.now and name in chosen.rates and chosen.kernels[name] == "ours"
    }
    if not cells:
        return chosen
    try:
        seconds = _in(sum(plan.seconds) / max(1, slots), _ASIDE_SECONDS)
        timings = time([*cells.values()], ("ours", "aside"), seconds)
    except InputError:
        raise
    except Exception:  # they are ours either way
        return chosen
    found = {name: rates for name, rates in zip(cells, timings.rates, strict=False) if len(rates) == 2}
    return replace(
        chosen,
        kernels={**chosen.kernels, **{name: decide(rates, "ours") for name, rates in found.items()}},
        rates={**chosen.rates, **{name: {**chosen.rates[name], **rates} for name, rates in found.items()}},
    )


def _in(whole: float, most: float) -> float:
    """Seconds for a timing that may have so many, of a plan of `whole` seconds."""
    return most * min(1.0, _SHARE * whole / (_SECONDS + _ASIDE_SECONDS))


# -- what a run wrote down, for the next ----------------------------------------------------------------


def record_of(chosen: Chosen) -> KernelsRecord | None:
    """For sweep.json; None where nothing was chosen by timing."""
    if chosen.said or chosen.device is None or not chosen.kernels:
        return None
    rates = {name: {str(by): rate for by, rate in one.items()} for name, one in chosen.rates.items()}
    return {"device": chosen.device, "chosen": {**chosen.kernels}, "rates": rates}


def remembered(runs: Sequence[RunRecord], device: str | None) -> Chosen:
    """What earlier runs chose on such a device, each kind as the latest has it."""
    for run in reversed(runs):
        record = run.get("kernels")
        if not record or {"device", "chosen", "rates"} - record.keys():
            continue
        if device in (None, record["device"]):
            chosen = {name: one for name, said in record["chosen"].items() if (one := _known(said))}
            rates = {name: _rates(record["rates"].get(name, {})) for name in chosen}
            return Chosen(kernels=chosen, rates={name: one for name, one in rates.items() if one})
    return Chosen()


def _known(said: str) -> Kernels | None:
    return next((one for one in KERNELS if one == said), None)


def _rates(said: Mapping[str, float]) -> Rates:
    return {one: rate for name, rate in said.items() if (one := _known(name)) and rate > 0}


def timed_otherwise(
    chosen: Chosen, plan: Plan, infos: Mapping[str, DataInfo]
) -> Iterator[tuple[Spec, int, float]]:
    """Of the cells that have other kernels than by rule since they were timed: a pack's cell and replicas,
    and its training images a second by them."""
    for name, (spec, replicas) in dearest(plan).items():
        kernels = chosen.kernels.get(name)
        if name in chosen.now and kernels is not None and kernels != rule(spec, infos):
            yield spec, replicas, chosen.rates[name][kernels]
