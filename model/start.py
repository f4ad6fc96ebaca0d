"""Where a trial starts from another's weights: that other, its parent, as a short text.

`norm=bn batch_size=32` is the trial that has this norm and batch size and everything else as the child
has it, the seed too. Norm, G and batch size are always said, other axes where the parent differs. A parent
that has a parent itself goes on behind a semicolon: `norm=bn batch_size=2; norm=bn batch_size=32`, each part
read beside the one before. A text holds all its ancestors, so that no trial can be its own.

Only the text: what it means for a trial is in `orchestrator.grid.start`.
"""

from collections.abc import Iterable, Mapping

from model.axis import Axis, Value
from model.norm_table import abbreviation
from model.own import short_name

_NEXT = ";"
#: The value of an axis that may have none.
NO_VALUE = "none"
#: Axes with words of their own.
_HEAD = ("norm", "groups", "batch_size")


def split(text: str) -> tuple[dict[str, str], str]:
    """What is said of the parent, axis -> value, and the text of the parent's own parent, empty where it has
    none. Raises ValueError where it is no such text."""
    first, _, rest = text.partition(_NEXT)
    said: dict[str, str] = {}
    for part in first.split():
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise ValueError(f"{part!r} is no axis with a value; expected text like norm=bn batch_size=32")
        if name in said:
            raise ValueError(f"{name} is given twice")
        said[name] = value
    if not said:
        raise ValueError("nothing is said of it; expected text like norm=bn batch_size=32")
    return said, rest.strip()


def joined(said: Mapping[str, str], rest: str | None = None) -> str:
    """The text of what `split` gives."""
    first = " ".join(f"{name}={value}" for name, value in said.items())
    return f"{first}{_NEXT} {rest}" if rest else first


def depth(text: str | None) -> int:
    """How many ancestors a trial has."""
    return 0 if text is None else 1 + text.count(_NEXT)


def in_words(text: object, axes: Mapping[str, Axis]) -> str:
    """“from BN at batch 32”, “from GN (G = 8) at batch 8, 20 epochs”; what is no such text as it is."""
    try:
        return ", itself ".join(f"from {_parent(said, axes)}" for said in _chain(str(text)))
    except (ValueError, KeyError):
        return f"from {text}"


def _chain(text: str) -> Iterable[dict[str, str]]:
    while text:
        said, text = split(text)
        yield said


def _parent(said: Mapping[str, str], axes: Mapping[str, Axis]) -> str:
    norm = abbreviation(short_name(said["norm"])) if "norm" in said else "the same"
    groups = f" (G = {said['groups']})" if "groups" in said else ""
    size = f" at batch {said['batch_size']}" if "batch_size" in said else ""
    rest = [_said(axes[name], value) for name, value in said.items() if name not in _HEAD]
    return ", ".join([f"{norm}{groups}{size}", *rest])


def _said(axis: Axis, text: str) -> str:
    """A value as a figure's title has it, the usual one too. Raises ValueError where it is none."""
    value: Value = text
    if axis.kind != "text":
        value = {"true": True, "false": False, NO_VALUE: None}.get(text, text)
    if isinstance(value, str) and axis.kind != "text":
        value = int(text) if axis.kind == "int" else float(text)
    return axis.in_title(value, usual=None) or f"without {axis.label.lower()}"
