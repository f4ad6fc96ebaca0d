"""Where a pack goes on: at the last epoch that all its trials have whole, with what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model.errors import reason
from orchestrator.execution.events import Report, Warned
from orchestrator.planning.plan import common_epoch
from orchestrator.results.checkpoint import Checkpoint, DamagedError, decode
from orchestrator.results.records import EpochRecord, History, Provenance, Stretch
from orchestrator.results.store import Store
from orchestrator.results.stretches import difference, extended, history, stretches_of, until
from orchestrator.results.trial_state import TrialState

if TYPE_CHECKING:
    import torch

    from model.training.training import Training

#: Facts of a provenance that a worker finds, beside those that the plan gives it.
_MACHINE = ("cuda", "device", "processor", "precision", "kernels")


@dataclass
class TrialRecord:
    """What is recorded of a trial while it trains."""

    trial_id: str
    epochs: list[EpochRecord]
    stretches: list[Stretch]

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
    store: Store, states: Mapping[str, TrialState], training: Training, report: Report
) -> list[TrialRecord]:
    """Put every replica at the last epoch that all of them have whole. `states`: of the pack, in its order.

    A checkpoint that cannot be used is told, and the one before is taken.
    """
    available = {trial_id: set(state.epochs) for trial_id, state in states.items()}
    fresh = training.state()[0] if any(available.values()) else {}
    fingerprints = training.data.info.fingerprints
    while epoch := common_epoch(available.values()):
        checkpoints: list[Checkpoint] = []
        for trial_id in states:
            try:
                checkpoint = decode(store.read_checkpoint(trial_id, epoch), trial_id, fingerprints)
                _check(checkpoint, epoch, fresh)
            except (DamagedError, FileNotFoundError) as error:
                name = f"{store.url}/trials/{trial_id}: the checkpoint of epoch {epoch}"
                report(Warned(f"{name} cannot be used ({reason(error)}); the one before is"))
                available[trial_id].discard(epoch)
                break
            checkpoints.append(checkpoint)
        else:
            training.load_state([checkpoint.state for checkpoint in checkpoints])
            return [_recorded(one, state) for one, state in zip(checkpoints, states.values(), strict=True)]
    return [TrialRecord(trial_id, [], []) for trial_id in states]


def _check(checkpoint: Checkpoint, epoch: int, fresh: Mapping[str, Any]) -> None:
    """Raises DamagedError where it isn't of that epoch or not of a network like `fresh`."""
    import torch

    state = checkpoint.state
    if [entry["epoch"] for entry in checkpoint.epochs] != list(range(1, epoch + 1)):
        raise DamagedError(f"its history is not that of {epoch} epochs")
    if not isinstance(state, dict) or set(state) != set(fresh):
        raise DamagedError("its state is none")
    if not isinstance(state["epoch"], int) or state["epoch"] != epoch:
        raise DamagedError("its state is of another epoch")
    for part, tensors in fresh.items():
        if part == "epoch":
            continue
        held = state[part]
        if not isinstance(held, dict) or set(held) != set(tensors):
            raise DamagedError(f"its {part} are not those of this network")
        for name, tensor in tensors.items():
            one = held[name]
            if not isinstance(one, torch.Tensor) or _kind(one) != _kind(tensor):
                raise DamagedError(f"its {part} are not those of this network: {name}")


def _kind(tensor: torch.Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.dtype, tensor.layout, tensor.device


def _recorded(checkpoint: Checkpoint, state: TrialState) -> TrialRecord:
    """What a trial has behind it; of an old checkpoint's epochs the history says how they were computed."""
    epochs = checkpoint.epochs
    said: History = {"pack": checkpoint.pack, "epochs": epochs}
    stretches = checkpoint.stretches or stretches_of({**(state.history or {})}) or stretches_of({**said})
    return TrialRecord(state.trial_id, epochs, until(stretches, len(epochs)))


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
