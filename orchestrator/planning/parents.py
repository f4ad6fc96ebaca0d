"""Whether what trials are to start from is there and fits: told before anything trains."""

from collections.abc import Mapping, Sequence

from model.data.dataset import DataInfo
from model.errors import InputError
from orchestrator.grid.trial import Trial
from orchestrator.results.parents import parent_weights
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState


def check_parents(
    store: Store,
    waiting: Sequence[Trial],
    states: Mapping[str, TrialState],
    infos: Mapping[str, DataInfo],
) -> None:
    """Raises InputError where a parent's weights do not fit into the network of a child that waits, or a
    parent is done and has none: trials that have begun need theirs no more."""
    fresh = [
        (trial, trial.parent)
        for trial in waiting
        if trial.parent is not None and not (trial.trial_id in states and states[trial.trial_id].epochs)
    ]
    cells = {(trial.shared, parent.shared): (trial, parent) for trial, parent in fresh}
    for trial, parent in cells.values():
        _check_fit(trial, parent, infos)
    for parent_id in dict.fromkeys(parent.trial_id for _, parent in fresh):
        if parent_id in states and states[parent_id].finished:
            found = parent_weights(store, parent_id)
            if isinstance(found, str):
                raise InputError(found)


def _check_fit(trial: Trial, parent: Trial, infos: Mapping[str, DataInfo]) -> None:
    from model.net.transfer import misfit

    if wrong := misfit(trial.spec, infos[trial.dataset], parent.spec, infos[parent.dataset]):
        raise InputError(
            f"{trial.spec.name} cannot start from {parent.spec.name}: {wrong}. Only the norms, and the "
            "classifier where the data has other classes, may differ"
        )
