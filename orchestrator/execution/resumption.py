"""Where a pack goes on: at the last place that all its trials have whole, with what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.errors import reason
from orchestrator.execution.events import Report, Warned
from orchestrator.results.checkpoint import Checkpoint, DamagedError, decode
from orchestrator.results.codes import enumerated
from orchestrator.results.records import EpochRecord, History, Provenance, Stretch
from orchestrator.results.source import training_code
from orchestrator.results.store import Store
from orchestrator.results.stretches import difference, extended, history, stretches_of, until
from orchestrator.results.trial_state import Place, TrialState

if TYPE_CHECKING:
    import torch

    from model.training.training import Training

#: Facts of a provenance that a worker finds, beside those that the plan gives it.
_MACHINE = ("cuda", "device", "processor", "precision", "kernels")
#: What of a state says where it is.
_PLACE = {"epoch", "step"}


@dataclass
class TrialRecord:
    """What is recorded of a trial while it trains. `within`: where it has checkpoints within epochs."""

    trial_id: str
    epochs: list[EpochRecord]
    stretches: list[Stretch]
    within: tuple[Place, ...] = ()

    @property
    def history(self) -> History:
        return history(self.epochs, self.stretches)

    @property
    def notes(self) -> History:
        """The history that lies beside final weights, which says whose it is."""
        return {**self.history, "trial_id": self.trial_id}

    def add(self, entry: EpochRecord, pack: list[str], facts: Provenance) -> None:
        """One more epoch, computed in `pack` and as `facts` say."""
        self.epochs.append(entry)
        self.stretches = extended(self.stretches, entry["epoch"], pack, facts)


def restore(
    store: Store,
    states: Mapping[str, TrialState],
    training: Training,
    facts: Provenance,
    report: Report,
) -> tuple[list[TrialRecord], float]:
    """Put every replica at the last place that all of them have whole: an epoch's end, or within an epoch
    where it goes on as it was begun.

    `states`: of the pack, in its order; `facts`: how it is computed now. A checkpoint that cannot be used is
    told, and the one before is taken. Gives what is recorded, and the seconds that the epoch at hand has had.
    """
    available = {i: {(epoch, 0) for epoch in state.epochs} | {*state.within} for i, state in states.items()}
    fresh = training.state()[0] if any(available.values()) else {}
    fingerprints = training.data.info.fingerprints
    while common := set.intersection(*available.values()):
        epoch, steps = place = max(common)
        checkpoints: list[Checkpoint] = []
        for trial_id in states:
            try:
                data = store.read_checkpoint(trial_id, epoch, steps=steps)
                checkpoint = decode(data, trial_id, fingerprints, within=steps > 0)
                _check(checkpoint, place, fresh)
                if steps:
                    _check_within(checkpoint, [*states], facts, training.steps_in(epoch + 1))
            except (DamagedError, FileNotFoundError) as error:
                which = f"within epoch {epoch + 1}" if steps else f"of epoch {epoch}"
                name = f"{store.url}/trials/{trial_id}: the checkpoint {which}"
                report(Warned(f"{name} cannot be used ({reason(error)}); the one before is"))
                available[trial_id].discard(place)
                break
            checkpoints.append(checkpoint)
        else:
            training.load_state([checkpoint.state for checkpoint in checkpoints])
            records = [_recorded(*one) for one in zip(checkpoints, states.values(), strict=True)]
            return records, max(one.within.seconds if one.within else 0.0 for one in checkpoints)
    return [TrialRecord(state.trial_id, [], [], state.within) for state in states.values()], 0.0


def _check(checkpoint: Checkpoint, place: Place, fresh: Mapping[str, Any]) -> None:
    """Raises DamagedError where it isn't of that place or not of a network like `fresh`."""
    import torch

    state, (epoch, steps) = checkpoint.state, place
    if steps:
        sums = {"loss": torch.zeros(1, dtype=torch.float64), "wrong": torch.zeros(1, dtype=torch.int64)}
        fresh = {**fresh, "step": 0, "tally": sums}
    if [entry["epoch"] for entry in checkpoint.epochs] != list(range(1, epoch + 1)):
        raise DamagedError(f"its history is not that of {epoch} epochs")
    if not isinstance(state, dict) or set(state) != set(fresh):
        raise DamagedError("its state is none")
    if any(type(state[name]) is not int for name in _PLACE & set(state)):
        raise DamagedError("its state is of no epoch")
    if (state["epoch"], state.get("step", 0)) != place:
        raise DamagedError("its state is of another epoch")
    for part, tensors in fresh.items():
        if part in _PLACE:
            continue
        held = state[part]
        if not isinstance(held, dict) or set(held) != set(tensors):
            raise DamagedError(f"its {part} are not those of this network")
        for name, tensor in tensors.items():
            one = held[name]
            if not isinstance(one, torch.Tensor) or _kind(one) != _kind(tensor):
                raise DamagedError(f"its {part} are not those of this network: {name}")


def _check_within(checkpoint: Checkpoint, pack: list[str], facts: Provenance, steps: int) -> None:
    """Raises DamagedError where the epoch has no such step, or would not be computed in one way from its
    beginning to its end: what is recorded of an epoch says one pack, one code and one machine."""
    assert checkpoint.within is not None
    if not 0 < checkpoint.state["step"] < steps:
        raise DamagedError(f"its state is of no step among {steps}")
    if checkpoint.within.code != training_code().digest:
        raise DamagedError("it is by other code")
    before: Stretch = {
        "first": 1,
        "last": 1,
        "pack": checkpoint.pack,
        "provenance": checkpoint.within.provenance,
    }
    if found := difference(before, {**before, "pack": pack, "provenance": facts}):
        raise DamagedError(f"now {enumerated(found)}")
    if checkpoint.within.provenance.get("data") != facts.get("data"):
        raise DamagedError("it is of other data")


def _kind(tensor: torch.Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.dtype, tensor.layout, tensor.device


def _recorded(checkpoint: Checkpoint, state: TrialState) -> TrialRecord:
    """What a trial has behind it; of an old checkpoint's epochs the history says how they were computed."""
    epochs = checkpoint.epochs
    said: History = {"pack": checkpoint.pack, "epochs": epochs}
    stretches = checkpoint.stretches or stretches_of({**(state.history or {})}) or stretches_of({**said})
    return TrialRecord(state.trial_id, epochs, until(stretches, len(epochs)), state.within)


def goes_on_otherwise(name: str, records: Sequence[TrialRecord], facts: Provenance) -> str:
    """What differs from the epochs before that no plan could know: what the machine is and chooses.

    `name`: of the pack. Empty where nothing does.
    """
    told: dict[str, None] = {}
    for record in records:
        if record.stretches:
            here: Stretch = {**record.stretches[-1], "provenance": facts}
            told |= dict.fromkeys(difference(record.stretches[-1], here, _MACHINE))
    return f"{name}: from epoch {len(records[0].epochs) + 1} on {'; '.join(told)}" if told else ""
