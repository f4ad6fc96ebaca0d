"""Which finished trials of a folder can be evaluated, and in what packs."""

from collections.abc import Mapping
from typing import NamedTuple

from model.data.dataset import DataInfo
from model.errors import InputError
from model.kernels import named
from model.own import short_name
from model.spec import Spec
from orchestrator.grid.trial import Trial
from orchestrator.planning.alone import trained_alone
from orchestrator.planning.data import describe_data
from orchestrator.planning.local import alone
from orchestrator.results.mixing import check_data
from orchestrator.results.records import Identity
from orchestrator.results.store import Store
from orchestrator.results.stretches import facts_of
from orchestrator.results.trial_state import TrialState

#: Networks that are evaluated as one. Without gradients a pack takes a fraction of what training it took.
MOST = 8

#: Finished trials of one network, to be evaluated together.
Group = Mapping[Trial, TrialState]


class Chosen(NamedTuple):
    """`groups`: in the order of the sweep. `left_out`: finished trials that are not evaluated -> why.

    `unfinished`: how many have no result yet. `infos`: the facts of their data, by name.
    """

    groups: list[Group]
    left_out: dict[str, str]
    unfinished: int
    infos: Mapping[str, DataInfo]


def choose(store: Store, data_dir: str | None) -> Chosen:
    """Raises InputError: no sweep, nothing finished, other data."""
    sweep = store.sweep()
    if sweep is None:
        raise InputError(f"{store.url} holds no sweep: there is no sweep.json in it.")
    states = store.scan()
    finished = [trial_id for trial_id, state in states.items() if state.finished]
    if not finished:
        raise InputError(f"{store.url}: no trial is finished, so there are no networks to evaluate.")
    declared = sweep["trials"]
    identities = {**store.identities(i for i in finished if i not in declared), **declared}
    trials, left_out = _trials(sorted(finished), identities, states)
    infos = describe_data(trials, data_dir)
    check_data(store.url, states, infos, {trial.trial_id: trial.dataset for trial in trials})
    for name, facts in sweep.get("data", {}).items():
        info = infos.get(name)
        if info is not None and facts["fingerprint"] not in info.fingerprints:
            raise InputError(
                f"{store.url} holds trials on another {short_name(name)}: data fingerprint "
                f"{facts['fingerprint']}, now {info.fingerprint}. Give the data that they were trained on."
            )
    order = {trial_id: place for place, trial_id in enumerate(declared)}
    trials.sort(key=lambda trial: order.get(trial.trial_id, len(order)))
    unfinished = sum(trial_id not in finished for trial_id in declared)
    return Chosen(_groups(trials, states, infos), left_out, unfinished, infos)


def _trials(
    finished: list[str], identities: Mapping[str, Identity], states: Mapping[str, TrialState]
) -> tuple[list[Trial], dict[str, str]]:
    """Those that this version can build and whose numbers mean something; and why the others are not."""
    trials, left_out = [], {}
    for trial_id in finished:
        identity = identities.get(trial_id)
        try:
            trial = Trial.from_identity(identity or {})
        except ValueError:
            left_out[trial_id] = "this version cannot read what it is"
            continue
        if trial.trial_id != trial_id:
            left_out[trial_id] = "its trial.json is another trial's"
        elif states[trial_id].status == "diverged":
            left_out[trial_id] = "it diverged"
        else:
            trials.append(trial)
    return trials, left_out


def _groups(
    trials: list[Trial], states: Mapping[str, TrialState], infos: Mapping[str, DataInfo]
) -> list[Group]:
    by_network: dict[tuple[Spec, object], list[Trial]] = {}
    for trial in trials:
        result = states[trial.trial_id].result
        facts = facts_of(result.get("provenance") if result else None)
        how = (facts.get("threads"), named(facts.get("kernels")))
        by_network.setdefault((trial.shared, how), []).append(trial)
    single = trained_alone(spec for spec, _ in by_network)
    groups: list[Group] = []
    for (spec, _), members in by_network.items():
        most = 1 if spec in single or alone(spec, infos[spec.dataset]) else MOST
        for start in range(0, len(members), most):
            groups.append({trial: states[trial.trial_id] for trial in members[start : start + most]})
    return groups
