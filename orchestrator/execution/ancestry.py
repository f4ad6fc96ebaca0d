"""Where a pack's trials start from others: their weights, read and taken over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.grid.trial import Trial
from orchestrator.results.parents import parent_weights
from orchestrator.results.store import Store

if TYPE_CHECKING:
    from model.training.training import Training


class ParentError(Exception):
    """What a trial is to start from cannot be used. The message is for a person."""


def start_from_parents(store: Store, trials: Sequence[Trial], training: Training) -> None:
    """Begin each replica at its parent's final weights, where the trials have parents: all or none of a pack
    have. Raises ParentError."""
    from model.net.transfer import MisfitError

    parents = [trial.parent_id for trial in trials if trial.parent_id is not None]
    if not parents:
        return
    weights = []
    for parent in parents:
        found = parent_weights(store, parent)
        if isinstance(found, str):
            raise ParentError(found)
        weights.append(found)
    try:
        training.start_from(weights)
    except MisfitError as error:
        raise ParentError(f"{trials[0].spec.name} cannot start from {parents[0]}: {error}") from None
