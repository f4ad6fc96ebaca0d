"""The options of a command line that say something instead of the grid, one for each axis that has one.

Made from the table of axes, but for `--seeds`, of which a count means the seeds 1 to n.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from model.axis import Axis, Option
from model.spec import AXES
from orchestrator.cli import positive
from orchestrator.grid.blocks import MOST_SEEDS
from orchestrator.grid.overrides import Adjustments

#: The order of --help, what is changed most often first; axes that are not named here come last.
_ORDER = ("norm", "batch_size", "groups", "seeds", "epochs", "dataset", "model")


def add_options(group: argparse._ArgumentGroup) -> None:
    """An option for every axis that has one, for the seeds, and `--groups-from`."""
    for name in [*_ORDER, *(name for name in AXES if name not in _ORDER)]:
        if name == "seeds":
            group.add_argument(
                "--seeds", type=_seeds, metavar="N|1,2,7", help="a count (seeds 1 to N), a list, or one: 7,"
            )
        elif (option := AXES[name].option) is not None:
            _add(group, AXES[name], option)
        if name == "groups":
            group.add_argument(
                "--groups-from",
                metavar="RESULTS",
                help="take G from a finished G search, by validation error",
            )


def adjustments(arguments: argparse.Namespace) -> Adjustments:
    """What the parsed `arguments` say instead of the grid; `--groups-from` is left to the caller."""
    given = {name: getattr(arguments, name, None) for name in [*AXES, "seeds"]}
    return {
        name: value if isinstance(value, tuple) else (value,)
        for name, value in given.items()
        if value is not None
    }


def _add(group: argparse._ArgumentGroup, axis: Axis, option: Option) -> None:
    words = ", ".join(axis.choices)
    group.add_argument(
        option.flag or f"--{axis.name.replace('_', '-')}",
        dest=axis.name,
        metavar=option.metavar or ("A,B" if option.many else "VALUE"),
        help=(f"of {words}" if option.many else words) if axis.choices else axis.help,
        **({"choices": axis.choices} if axis.choices and not option.many else {"type": _type(axis, option)}),
    )


def _type(axis: Axis, option: Option) -> Callable[[str], Any]:
    if axis.choices:
        return _names(axis.choices)
    if axis.kind == "text":
        return _texts if option.many else str
    if axis.kind == "float":
        return _numbers if option.many else float
    return _integers if option.many else positive


def _names(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = _texts(text)
        for name in names:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"{name!r}; allowed: {', '.join(allowed)}")
        return names

    return parse


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


def _seeds(text: str) -> tuple[int, ...]:
    numbers = _integers(text)
    if "," in text:
        return numbers
    if numbers[0] > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"a count of {text}; for the one seed {text} write {text},")
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError("expected a count above zero, or a list like 1,2,7")
    return tuple(range(1, numbers[0] + 1))
