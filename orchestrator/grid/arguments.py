"""The options of a command line that say something instead of the grid.

`--set` takes any axis; those that are changed most often have an option of their own. Made from the table
of axes, but for the seeds, of which a count means the seeds 1 to n.
"""

import argparse
import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from model.axis import Axis, Kind, Option, Value
from model.errors import InputError
from model.spec import AXES
from orchestrator.cli import positive
from orchestrator.grid.limits import MOST_SEEDS

if TYPE_CHECKING:  # --help must not wait for pydantic
    from orchestrator.grid.overrides import Adjustments

#: The order of --help, what is changed most often first; axes that are not named here come last.
_ORDER = ("norm", "batch_size", "groups", "seeds", "epochs", "dataset", "model")


def add_options(group: argparse._ArgumentGroup) -> None:
    """An option for every axis that has one, for the seeds, `--groups-from` and `--set`."""
    for name in [*_ORDER, *(name for name in AXES if name not in _ORDER)]:
        if name == "seeds":
            group.add_argument(
                "--seeds",
                type=_seeds,
                metavar="N|1,2,7",
                help="a count (seeds 1 to N), a list, or a single seed (7,)",
            )
        elif (option := AXES[name].option) is not None:
            _add(group, AXES[name], option)
        if name == "groups":
            group.add_argument(
                "--groups-from",
                metavar="RESULTS",
                help="take G from a finished search: at each width, the one with the lowest validation error",
            )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        dest="settings",
        metavar="AXIS=A,B",
        help="values of any axis (--list-axes); may be repeated",
    )


def adjustments(arguments: argparse.Namespace) -> "Adjustments":
    """What the parsed `arguments` say instead of the grid; `--groups-from` is left to the caller.

    Raises InputError where one axis is given twice.
    """
    given = {name: getattr(arguments, name, None) for name in [*AXES, "seeds"]}
    wanted = {
        name: value if isinstance(value, tuple) else (value,)
        for name, value in given.items()
        if value is not None
    }
    for name, values in arguments.settings:
        if name in wanted:
            raise InputError(f"--set {name}: {name} is given twice; say all of its values at once, A,B")
        wanted[name] = values
    return wanted


def _setting(text: str) -> tuple[str, tuple[Value, ...]]:
    """An axis and its values: lr=0.05,0.1."""
    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if name != "seeds" and name not in AXES:
        near = difflib.get_close_matches(name, [*AXES, "seeds"], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise argparse.ArgumentTypeError(f"there is no axis {name!r}; {hint}--list-axes shows them all")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}; expected AXIS=A,B")
    if name == "seeds":
        return name, _seeds(values)
    try:
        parsed: tuple[Value, ...] = _PARSERS[AXES[name].kind](values)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from None
    return name, parsed


def _add(group: argparse._ArgumentGroup, axis: Axis, option: Option) -> None:
    words = axis.values
    group.add_argument(
        option.flag or f"--{axis.name.replace('_', '-')}",
        dest=axis.name,
        metavar=option.metavar or ("A,B" if option.many else "VALUE"),
        help=(f"any of {words}" if option.many else words) if axis.choices else axis.help,
        type=_type(axis, option),
    )


def _type(axis: Axis, option: Option) -> Callable[[str], Any]:
    if option.many:
        return _PARSERS[axis.kind]
    one: dict[Kind, Callable[[str], Any]] = {"text": str, "float": float, "int": positive, "bool": _truth}
    return one[axis.kind]


def _texts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise argparse.ArgumentTypeError("empty list")
    return parts


def _integers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; expected whole numbers with commas between") from None
    if not numbers:
        raise argparse.ArgumentTypeError("empty list")
    return numbers


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _texts(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; expected numbers with commas between") from None


def _truth(text: str) -> bool:
    if text.strip().lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r}; expected true or false")
    return text.strip().lower() == "true"


def _truths(text: str) -> tuple[bool, ...]:
    return tuple(map(_truth, _texts(text)))


def _seeds(text: str) -> tuple[int, ...]:
    numbers = _integers(text)
    if "," in text:
        return numbers
    if numbers[0] > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"a count of {text}; for the one seed {text} write {text},")
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError("expected a count above zero, or a list like 1,2,7")
    return tuple(range(1, numbers[0] + 1))


_PARSERS: dict[Kind, Callable[[str], tuple[Any, ...]]] = {
    "text": _texts,
    "int": _integers,
    "float": _numbers,
    "bool": _truths,
}
