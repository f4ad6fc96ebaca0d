"""What is said in Python, as words of the command line: so that one parser checks both, and says the same.

Every option of `run` is a keyword, with _ for -, and every axis is one too.
"""

import argparse
import difflib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NoReturn

from model.errors import InputError
from model.spec import AXES
from orchestrator import arguments as parsers
from orchestrator.results.url import refuse_undecodable

#: Keywords that are called as an option of the command line and not as its axis.
_PLURALS = {"norms": "norm", "batch_sizes": "batch_size"}
#: Keywords that are the plural of an option.
_SINGULARS = {"trackers": "--tracker"}


def is_said(value: object) -> bool:
    """Zero is something; what is empty leaves an option as it is."""
    return value is not None and value is not False and not (isinstance(value, str | tuple) and not value)


def parsed(options: Mapping[str, object], axes: Mapping[str, object]) -> argparse.Namespace:
    """What the command line makes of the same. Raises InputError."""
    _check_names(axes, options)
    words = [f"--set={name}={_text(value, name)}" for name, value in _axes(axes).items()]
    for name, value in options.items():
        option = _SINGULARS.get(name) or f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif is_said(value):
            words.append(f"{option}={_text(value, name)}")
    for word in words:
        refuse_undecodable(word)
    parser = parsers.run()
    parser.error = _refuse  # type: ignore[method-assign]  # its own ends the process
    try:
        return parser.parse_args(words)
    except InputError as error:  # from here, or a notebook shows forty lines of argparse above the sentence
        raise InputError(str(error).removeprefix("argument --set: ")) from None


def _check_names(axes: Mapping[str, object], options: Iterable[str]) -> None:
    """Raises InputError where a keyword is neither an option nor an axis."""
    known = [*AXES, "seeds", *_PLURALS, *options, "grid", "blocks", "description", "analysis"]
    for name in axes:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "`normsweep axes` lists the axes"
            raise InputError(f"Sweep has no option or axis {name!r}; {hint}")


def _refuse(message: str) -> NoReturn:
    raise InputError(message)


def _axes(said: Mapping[str, object]) -> dict[str, object]:
    """By the names of the table of axes. Raises InputError where one is said under two."""
    found: dict[str, object] = {}
    for name, value in said.items():
        axis = _PLURALS.get(name, name)
        if value is not None and axis in found:
            raise InputError(
                f"norm and norms, batch_size and batch_sizes are one axis each; give {axis} once"
            )
        if value is not None:
            found[axis] = value
    return found


def _text(value: object, name: str) -> str:
    """As the command line reads it. A list of one seed has a comma, or it would be a count."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, Iterable):
        parts = [_text(one, name) for one in value]
        return f"{parts[0]}," if name == "seeds" and len(parts) == 1 else ",".join(parts)
    with suppress(AttributeError):  # NumPy's numbers
        value = value.item()  # type: ignore[attr-defined]
    return str(value).lower() if isinstance(value, bool) else str(value)
