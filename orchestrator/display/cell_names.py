"""What cells are called beside each other: where two would share a name, with what tells them apart."""

from collections.abc import Iterable

from model.axis import Axis, Value
from model.own import is_own
from model.spec import AXES, Spec


def cell_names(cells: Iterable[Spec]) -> dict[Spec, str]:
    """A name for each; behind names that would be alike stand the axes in which these cells differ."""
    namesakes: dict[str, list[Spec]] = {}
    for spec in dict.fromkeys(cells):
        namesakes.setdefault(spec.name, []).append(spec)
    return {spec: _apart(spec, alike) for alike in namesakes.values() for spec in alike}


def _apart(spec: Spec, alike: list[Spec]) -> str:
    values = {axis: getattr(spec, axis.name) for axis in AXES.values() if _differ(axis, alike)}
    said = [_words(axis, value) for axis, value in values.items() if value is not None]
    return f"{spec.name} ({', '.join(said)})" if said else spec.name


def _differ(axis: Axis, cells: list[Spec]) -> bool:
    return len({getattr(spec, axis.name) for spec in cells}) > 1


def _words(axis: Axis, value: Value) -> str:
    """Code of two people's own may have one name, and differs in its path, or in the digest of its source."""
    if isinstance(value, str) and is_own(value):
        return value
    words = axis.in_name(value)
    return f"{axis.name.replace('_', ' ')} {words}" if words == str(value) and axis.kind != "text" else words
