"""Which lines are compared with which: all with batch norm, with a line that a reader names, or every
pair."""

from collections.abc import Iterable, Sequence

from analysis.stats.axes import value_text
from analysis.stats.line import Line
from model.errors import InputError

#: What a reader writes for every pair.
EVERY_PAIR = "all"
_FROM_SCRATCH = "scratch"


def pairs_of(lines: Sequence[Line], base: str = "") -> list[tuple[Line, Line]]:
    """(line, what it is compared with), of the lines of one panel in their order.

    `base`: empty for batch norm, or the first line where there is none; `all` for every pair; else a norm
    (`bn`), or values of the axes that tell lines apart (`norm=gn,groups=8`), and a panel that has no such
    line compares nothing. Where it says no start, the line from scratch is meant (`start=scratch`). Raises
    InputError where several lines fit.
    """
    if base == EVERY_PAIR:
        return [(line, other) for i, other in enumerate(lines) for line in lines[i + 1 :]]
    if not base:
        chosen = next((line for line in lines if line.norm == "bn"), lines[0]) if lines else None
    else:
        fitting = [line for line in lines if _fits(line, base)]
        scratch = [line for line in fitting if dict(line.more).get("start") is None]
        fitting = scratch if len(scratch) == 1 else fitting  # where nothing is said of the start
        if len(fitting) > 1:
            names = ", ".join(as_base(line) for line in fitting)
            raise InputError(f"--base {base} fits several lines; name one of them: {names}")
        chosen = fitting[0] if fitting else None
    return [(line, chosen) for line in lines if chosen is not None and line != chosen]


def check(panels: Iterable[Sequence[Line]], base: str) -> None:
    """Raises InputError where no panel has a line that `base` names. `panels`: the lines of each."""
    lines = list(dict.fromkeys(line for own in panels for line in own))
    if lines and base not in {"", EVERY_PAIR} and not any(_fits(line, base) for line in lines):
        raise InputError(
            f"--base {base} is no line of these results; expected {EVERY_PAIR} or one of: "
            + "; ".join(dict.fromkeys(as_base(line) for line in lines))
        )


def as_base(line: Line) -> str:
    """How a reader names a line: norm=gn,groups=8."""
    groups = () if line.groups is None else (("groups", line.groups),)
    pairs = (("norm", line.label or line.norm), *groups, *line.more)
    said = [(name, _FROM_SCRATCH if (name, value) == ("start", None) else value) for name, value in pairs]
    return ",".join(f"{name}={value_text(value)}" for name, value in said if value is not None)


def _fits(line: Line, base: str) -> bool:
    """Whether `line` has every value that `base` asks for."""
    known = {"norm": line.norm, "groups": line.groups, **dict(line.more)}
    for part in base.split(","):
        name, equals, text = part.strip().partition("=")
        name, text = (name.strip(), text) if equals else ("norm", name)
        if name not in known:
            return False
        value = _FROM_SCRATCH if (name, known[name]) == ("start", None) else known[name]
        spellings = {str(value), value_text(value)} | ({line.short} if name == "norm" else set())
        if not {text.strip().lower(), _number(text)} & {_number(s) or s.lower() for s in spellings}:
            return False
    return True


def _number(text: str) -> str:
    """The same for all spellings of one number; empty for what is none."""
    try:
        return repr(float(text))
    except ValueError:
        return ""
