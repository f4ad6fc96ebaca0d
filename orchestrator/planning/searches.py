"""Where the searches of a sweep stand, and what sweep.json says of them. Pure."""

from collections.abc import Mapping, Sequence

from model.spec import cell_name
from orchestrator.grid.searches import Candidate, Declared
from orchestrator.grid.trial import Trial
from orchestrator.results.records import TuningRecord
from orchestrator.results.trial_state import TrialState


def results_of(candidate: Candidate, states: Mapping[str, TrialState]) -> dict[int, float | None]:
    """Seed -> error on the hold-out in percent, None where the trial diverged; a trial without a result is
    absent."""
    found: dict[int, float | None] = {}
    for trial in candidate.search:
        state = states.get(trial.trial_id)
        if state is None or state.result is None:
            continue
        error = state.result.get("val_error")
        if state.status == "diverged":
            found[trial.seed] = None
        elif error is not None:
            found[trial.seed] = error
    return found


def searching(trials: Sequence[Trial], tuning: TuningRecord | None) -> dict[str, str]:
    """Trial id -> the cell that the search is for, in words; of those of `trials` that search."""
    specs = {trial.trial_id: trial.spec for trial in trials} if tuning else {}
    found: dict[str, str] = {}
    for one in (one for search in (tuning["searches"] if tuning else ()) for one in search):
        for trial_id in one["search"]:
            if (spec := specs.get(trial_id)) is not None:
                kept = {name: value for name, value in vars(spec).items() if name not in one["values"]}
                found[trial_id] = f"{cell_name(kept)}: search"
    return found


def record_of(declared: Declared) -> TuningRecord | None:
    """For sweep.json; None where nothing is searched."""
    if not declared.searches:
        return None
    return {
        "searches": [
            [
                {
                    "values": dict(one.values),
                    "search": [trial.trial_id for trial in one.search],
                    "final": [trial.trial_id for trial in one.final],
                }
                for one in search.candidates
            ]
            for search in declared.searches
        ],
        "beside": [trial.trial_id for trial in declared.trials],
    }
