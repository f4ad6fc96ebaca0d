"""What lies in a results folder, before a run adds to it: held against what is declared, and put right."""

from collections.abc import Mapping, Sequence

from model.data.dataset import DataInfo
from orchestrator.grid.trial import Trial
from orchestrator.results import sweep_file
from orchestrator.results.damage import damage
from orchestrator.results.json_file import JsonObject
from orchestrator.results.mixing import check_data, check_protocol
from orchestrator.results.repair import repair_trials
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState


def inventory(
    store: Store, trials: Sequence[Trial], infos: Mapping[str, DataInfo], *, repair: bool
) -> tuple[JsonObject, Mapping[str, TrialState], list[str]]:
    """What sweep.json says, where every trial stands, and what a person should be told.

    `repair`: make damaged results again from their histories; without it nothing is written. Raises
    InputError where the folder is of another protocol, other data or a newer version.
    """
    declared, told = sweep_file.continued(store.files)
    states = store.scan(history="check" if repair else False)
    declares = {trial.trial_id: trial.dataset for trial in trials}
    others = store.identities(trial_id for trial_id in states if trial_id not in declares)
    check_protocol(store.url, others)
    datasets = {trial_id: str(identity.get("dataset")) for trial_id, identity in others.items()}
    check_data(store.url, states, infos, datasets | declares)
    told += [warning for state in states.values() for warning in state.warnings]
    if repair and (repaired := repair_trials(store, trials, states, infos)):
        told += repaired
        states = store.scan()
    return declared, states, told + damage(store, states)
