"""Equal budgets: which of the values that a cell tried on the hold-out it is trained with.

The rule, written down before any trial: the lowest mean error on the hold-out over the seeds of the search
wins, the smaller value where two tie. A value of which a trial diverged cannot win, as in `best_groups`.
Nothing is chosen before every trial of the search has a result, nor where some trial of every value diverged.

One rule for the run, which trains with what it gives, and for the report, which shows why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.stats.best_groups import ranked
from analysis.stats.estimate import Errors
from model.axis import Value
from model.spec import AXES


@dataclass(frozen=True)
class Tried:
    """One combination of values. `errors`: seed -> error on the hold-out in percent, of the trials that ended
    well; `diverged`, `wanting`: trials that did not, and that have no result."""

    values: tuple[tuple[str, Value], ...]
    errors: Errors = field(default_factory=dict)
    diverged: int = 0
    wanting: int = 0


def tried(values: Mapping[str, Value], results: Mapping[int, float | None], seeds: int) -> Tried:
    """`results`: seed -> error on the hold-out, None where it diverged; `seeds`: of the search."""
    errors = {seed: error for seed, error in results.items() if error is not None}
    return Tried(tuple(values.items()), errors, len(results) - len(errors), seeds - len(results))


def may_win(candidates: Sequence[Tried]) -> dict[int, Errors]:
    """The errors of those that no trial diverged of, by their places, the best first."""
    kept = {one.values: (place, one.errors) for place, one in enumerate(candidates) if _sound(one)}
    order = ranked({values: errors for values, (_, errors) in kept.items()})
    return {kept[values][0]: errors for values, errors in order.items()}


def best(candidates: Sequence[Tried]) -> int | None:
    """The place of the one that wins; None where results are wanting or none may win."""
    if any(one.wanting for one in candidates):
        return None
    return next(iter(may_win(candidates)), None)


def edges(candidates: Sequence[Tried], place: int) -> list[tuple[str, bool]]:
    """The axes in which the candidate at `place` has the largest (true) or the smallest value that was tried,
    so that a better one may lie beyond. A value that could not be smaller is no edge."""
    found = []
    for name, value in candidates[place].values:
        numbers = [v for one in candidates if isinstance(v := dict(one.values)[name], int | float)]
        if isinstance(value, bool) or not isinstance(value, int | float) or len(set(numbers)) < 2:
            continue
        if value == max(numbers):
            found.append((name, True))
        elif value == min(numbers) and value != AXES[name].least:
            found.append((name, False))
    return found


def _sound(one: Tried) -> bool:
    return bool(one.errors) and not one.diverged and not one.wanting
