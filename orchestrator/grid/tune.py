"""`tune` of a grid's block: which values each of its cells tries on the hold-out before it is trained.

    {norm: [bn, gn], groups: 8, batch_size: 2, seeds: 5, holdout: 300, tune: {lr: [0.05, 0.1], on: holdout}}

Every cell tries the product of the values with the same number of seeds, so each norm has the same budget.
What can be searched are the axes in which replicas of one network may differ: a search trains in packs.

The seeds of a search are others than those that are trained in the end. A value that only suited the draws
of its seeds would suit them again, and the errors that the study compares would be too good.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from pydantic import ValidationError

from model.axis import Value
from model.spec import AXES, PER_REPLICA
from orchestrator.grid.value import checked

#: Of a block, and within it.
KEY = "tune"
ON = "on"
SEEDS = "seeds"
#: The images that a search may be judged on: the test set would choose what it then judges.
HOLDOUT = "holdout"
#: Seeds of a search count from here, beyond any that a count of seeds gives.
FIRST_SEED = 10_001
#: Where `tune` does not say.
DEFAULT_SEEDS = 3
MOST_SEEDS_SEARCHED = 1_000
_MOST_CANDIDATES = 1_000


@dataclass(frozen=True)
class Tune:
    """`axes`: name and values of each that is searched. `seeds`: of the search."""

    axes: tuple[tuple[str, tuple[Value, ...]], ...]
    seeds: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.axes)

    def combinations(self) -> Iterator[dict[str, Value]]:
        """Every candidate: a value of each axis."""
        for values in product(*(values for _, values in self.axes)):
            yield dict(zip(self.names, values, strict=True))


def read_tune(said: object) -> Tune:
    """What a block says under `tune`. Raises ValueError."""
    if isinstance(said, Tune):
        return said
    if not isinstance(said, Mapping):
        raise ValueError(
            f"expected a mapping of axes and their values, such as {{lr: [0.05, 0.1], on: {HOLDOUT}}}"
        )
    said = {
        ON if key is True else str(key): value for key, value in said.items()
    }  # YAML 1.1 reads on as true
    if said.get(ON) != HOLDOUT:
        got = f", got {said[ON]!r}" if ON in said else ""
        raise ValueError(
            f"on: expected {HOLDOUT}{got}; a search is judged on training images that are held out, "
            "never on the test set, which judges what it chose"
        )
    axes = tuple((name, _values(name, v)) for name, v in said.items() if name not in {ON, SEEDS})
    if not axes:
        raise ValueError(f"no axis to search; give values of one or several of {', '.join(PER_REPLICA)}")
    count = prod(len(values) for _, values in axes)
    if not 1 < count <= _MOST_CANDIDATES:
        raise ValueError(
            f"{count} combination{'' if count == 1 else 's'} to choose from; "
            f"expected 2 to {_MOST_CANDIDATES:,}"
        )
    return Tune(axes, _seeds(said.get(SEEDS, DEFAULT_SEEDS)))


def _values(name: str, said: object) -> tuple[Value, ...]:
    if name not in AXES:
        raise ValueError(f"there is no axis {name!r}; what can be searched: {', '.join(PER_REPLICA)}")
    if name not in PER_REPLICA:
        more = ", and G has a search of its own, --groups-from" if name == "groups" else ""
        raise ValueError(
            f"{name} cannot be searched; what can are the axes in which replicas of a network may "
            f"differ, {', '.join(PER_REPLICA)}{more}"
        )
    values = list(said) if isinstance(said, (list, tuple)) else [said]
    if not values:
        raise ValueError(f"{name} is an empty list; give the values to try")
    found = tuple(_checked(name, value) for value in values)
    if repeated := [value for value in dict.fromkeys(found) if found.count(value) > 1]:
        raise ValueError(f"{name}: given twice: {', '.join(map(str, repeated))}")
    return found


def _checked(name: str, value: object) -> Value:
    try:
        return checked(name, value)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{name}: {message[0].lower()}{message[1:]}, got {value!r}") from None


def _seeds(said: Any) -> tuple[int, ...]:
    """A count n means n seeds from `FIRST_SEED` on."""
    wrong = ValueError(
        f"{SEEDS}: expected a count from 1 to {MOST_SEEDS_SEARCHED:,}, or a list of different seeds, "
        f"got {said!r}"
    )
    listed = list(said) if isinstance(said, (list, tuple)) else [said]
    if not listed or any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in listed):
        raise wrong
    if isinstance(said, (list, tuple)):
        if len(set(listed)) < len(listed) or max(listed) >= 2**31:
            raise wrong
        return tuple(listed)
    if not 1 <= said <= MOST_SEEDS_SEARCHED:
        raise wrong
    return tuple(range(FIRST_SEED, FIRST_SEED + said))
