"""The code of one's own that trials name."""

from collections.abc import Iterable

from model.own import is_own
from model.spec import AXES
from orchestrator.grid.trial import Trial


def own_code(trials: Iterable[Trial]) -> tuple[str, ...]:
    """Every import path among their norms, networks and data sets, each once."""
    names = [name for name, axis in AXES.items() if axis.own]
    values = (str(getattr(trial, name)) for trial in trials for name in names)
    return tuple(dict.fromkeys(value for value in values if is_own(value)))
