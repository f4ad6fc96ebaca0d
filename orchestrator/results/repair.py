"""Damage put right without training: final weights and checkpoints hold the history too.

A history is more than a curve: it says in which pack a trial trains, which on a GPU orders its sums.
"""

from collections.abc import Mapping, Sequence

from model.data.dataset import DataInfo
from orchestrator.grid.trial import Trial
from orchestrator.results.checkpoint import DamagedError, ForeignError, decode, decode_notes
from orchestrator.results.records import History
from orchestrator.results.result import is_whole, result
from orchestrator.results.store import Store
from orchestrator.results.stretches import history, stretches_of
from orchestrator.results.trial_state import TrialState


def repair_trials(
    store: Store, trials: Sequence[Trial], states: Mapping[str, TrialState], infos: Mapping[str, DataInfo]
) -> list[str]:
    """Make damaged or lost results and histories again; gives a sentence for each.

    `states`: from a scan that has at least checked the histories.
    """
    told = []
    for trial in trials:
        state = states.get(trial.trial_id)
        if state is not None and state.finished and state.epochs:
            store.drop_checkpoints(trial.trial_id, state.epochs)  # a kill came between two results of a pack
        if state is None or (state.recorded and (state.finished or state.epochs)):
            continue
        if state.epochs and not state.finished:
            if _history_from_checkpoint(store, state, infos[trial.dataset]):
                told.append(f"trials/{trial.trial_id}: made its history again, from its checkpoint")
            continue
        notes, why = _notes(store, trial, infos[trial.dataset])
        if notes is None:
            if state.finished:
                told.append(f"trials/{trial.trial_id}: its learning curve is lost, its result is whole")
            elif why or state.records:  # it had trained, and no checkpoint is left either
                lost = f"result is lost, and {why}" if why else "result and weights are lost"
                told.append(f"trials/{trial.trial_id}: {lost}; it is trained again")
            continue
        store.write_history(trial.trial_id, notes)
        if not state.finished:
            store.write_result(trial.trial_id, result(trial, notes))
        told.append(f"trials/{trial.trial_id}: made again what was damaged, from its weights.pt")
    return told


def _history_from_checkpoint(store: Store, state: TrialState, info: DataInfo) -> bool:
    for epoch in reversed(state.epochs):
        try:
            data = store.read_checkpoint(state.trial_id, epoch)
            checkpoint = decode(data, state.trial_id, info.fingerprints)
        except (FileNotFoundError, NotADirectoryError, DamagedError):
            continue
        said = {"pack": checkpoint.pack, "epochs": checkpoint.epochs}
        stretches = checkpoint.stretches or stretches_of(said)
        if not stretches:  # without an epoch of its own: nothing to write
            continue
        store.write_history(state.trial_id, history(checkpoint.epochs, stretches))
        return True
    return False


def _notes(store: Store, trial: Trial, info: DataInfo) -> tuple[History | None, str]:
    """The whole history beside a trial's final weights, None where there is none, and why in words."""
    try:
        notes = decode_notes(store.read_weights(trial.trial_id), trial.trial_id, info.fingerprints)
    except ForeignError as error:
        return None, f"its weights.pt cannot be used ({error})"
    except (FileNotFoundError, NotADirectoryError, DamagedError):
        return None, ""
    return (notes if is_whole(notes, trial.spec.total_epochs(info.train_size)) else None), ""
