"""Trials that others start from, as a results folder has them: their weights, and who waits for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from model.errors import reason
from orchestrator.results.checkpoint import DamagedError, ForeignError, decode_weights
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState

if TYPE_CHECKING:
    import torch


def parent_weights(store: Store, trial_id: str) -> dict[str, torch.Tensor] | str:
    """The final weights of a trial that another is to start from; where they cannot be used, why, and what
    to do, in a sentence."""
    try:
        return decode_weights(store.read_weights(trial_id), trial_id)
    except (FileNotFoundError, NotADirectoryError):
        why = "its weights.pt is missing"
    except ForeignError as error:
        why = f"its weights.pt is not its own ({reason(error)})"
    except DamagedError as error:
        why = f"its weights.pt is damaged ({reason(error)})"
    return (
        f"no trial can start from {trial_id}: {why}. Put that file back, or move "
        f"{store.url}/trials/{trial_id} away, and it is trained again"
    )


def held_by(parents: Mapping[str, str], finished: Collection[str], failed: Collection[str]) -> dict[str, str]:
    """The unfinished trials that wait for one that failed, and for which. All are trial ids.

    `parents`: what each declared trial starts from, of those that start from another.
    """
    held: dict[str, str] = {}
    for trial_id in parents:
        above: str | None = trial_id
        while above is not None and above not in finished:
            if above != trial_id and above in failed:
                held[trial_id] = above
            above = parents.get(above)
    return held


def held_in(parents: Mapping[str, str], states: Mapping[str, TrialState]) -> dict[str, str]:
    """The same, by where each trial stands."""
    finished = [trial_id for trial_id, state in states.items() if state.finished]
    failed = [trial_id for trial_id, state in states.items() if state.status == "failed"]
    return held_by(parents, set(finished), set(failed))


def waiting_in_words(held: Mapping[str, str]) -> list[str]:
    """A sentence for each trial that others wait for."""
    waiting = Counter(held.values())
    return [
        f"{count} trials wait: they start from {failed}, which failed"
        if count > 1
        else f"1 trial waits: it starts from {failed}, which failed"
        for failed, count in waiting.items()
    ]
