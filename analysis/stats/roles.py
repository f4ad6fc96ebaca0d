"""Which axis is x, which tell the lines of a figure apart, and which cut a study into panels.

The decision is made once for a study, from what was declared and not from what has finished, so that a page
does not change its shape while the sweep runs. Figure 1 is the special case of norm × batch size.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analysis.sources.frame import COLUMNS, plain_column
from analysis.stats.axes import XAxis, axis_named
from model.axis import Value
from model.errors import InputError
from model.spec import AXES, default_of

#: What tells the lines apart wherever they differ: a norm, with its G.
NORM = ("norm", "groups")
#: Cell by cell: axis -> value.
Cells = Sequence[dict[str, Value]]


@dataclass(frozen=True)
class Roles:
    """What each axis does in a study's figures.

    `x`: the axis that lines run over, and whether it has numbers. `more`: what tells lines apart beside norm
    and G. `along`: axes that never differ between two cells of the same line and x, as a learning rate that
    was declared together with the batch size: they say nothing that line and x do not. `own`: axes that are
    none of ours. Every other axis is the same within a panel.
    """

    x: str = "batch_size"
    numeric: bool = True
    more: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    @cached_property
    def axis(self) -> XAxis:
        return XAxis(self.x, self.numeric)

    @cached_property
    def panel(self) -> tuple[str, ...]:
        """The axes that all cells of a panel share, in the order of the table."""
        drawn = {*NORM, self.x, *self.more, *self.along}
        return tuple(name for name in (*AXES, *self.own) if name not in drawn)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What may differ within the results beside norm, G and batch size: the source and every axis."""
        return ("source", *(name for name in (*AXES, *self.own) if name not in {*NORM, "batch_size"}))

    @cached_property
    def cell(self) -> tuple[str, ...]:
        """What two cells differ in: the source and every axis, each once."""
        line = [name for name in (*self.more, *self.along, *NORM) if name != self.x]
        return ("source", *self.panel, *line, self.x)


#: Figure 1.
CLASSIC = Roles()


def own_axes(frame: pd.DataFrame) -> tuple[str, ...]:
    """The axes of `frame` that are none of ours: its columns beyond those of every frame."""
    return tuple(str(name) for name in frame.columns if name not in COLUMNS)


def roles_of(frame: pd.DataFrame, x: str = "") -> Roles:
    """The roles of the axes of `frame`. `x`: the axis that a reader chose, empty where none did.

    Raises InputError where `x` is no axis that lines can run over.
    """
    own = own_axes(frame)
    experiments = _experiments(frame, own, x)
    varied = [name for name in _foreground(own) if _varies(name, experiments)]
    free = [name for name in varied if name == x or not _goes_without_saying(name, experiments)]
    x = _checked(x, own, experiments) if x else _x(free, experiments)
    rest = [name for name in free if name != x]
    along = [name for name in rest if _follows(name, [x], experiments)]
    rest = [name for name in rest if name not in along]
    more: list[str] = []
    if any(_varies(name, experiments) for name in NORM if name != x):
        more = [name for name in rest if _is_of_the_norm(name, experiments)]
    elif rest:
        more = [_most_values(rest, experiments)]
    more += [name for name in rest if name not in more and axis_named(name).of_line]
    rest = [name for name in rest if name not in more]
    rest += [name for name in varied if name not in free]
    along += [name for name in rest if _follows(name, [*NORM, *more, x], experiments)]
    return Roles(x, _is_numeric(x, experiments), tuple(more), tuple(along), own)


def _foreground(own: Sequence[str]) -> list[str]:
    """What a study may vary on purpose, beside norm and G."""
    return [n for n, axis in AXES.items() if not axis.background and n not in NORM] + list(own)


def _experiments(frame: pd.DataFrame, own: Sequence[str], x: str) -> list[Cells]:
    """The cells of each experiment: a source and a background, within which axes vary on purpose; `x` does
    where a reader chose it."""
    names = ["source", *AXES, *own]
    known = frame.loc[frame["norm"].notna() & frame["batch_size"].notna(), names].drop_duplicates()
    columns = [plain_column(known[name]) for name in names]
    background = ["source", *(name for name, axis in AXES.items() if axis.background and name != x)]
    found: dict[tuple[Value, ...], list[dict[str, Value]]] = {}
    for values in zip(*columns, strict=True):
        row = dict(zip(names, values, strict=True))
        found.setdefault(tuple(row[name] for name in background), []).append(row)
    return list(found.values())


def _varies(name: str, experiments: Iterable[Cells]) -> bool:
    return any(len({row[name] for row in rows}) > 1 for rows in experiments)


def _goes_without_saying(name: str, experiments: Iterable[Cells]) -> bool:
    """Whether an axis has nothing but defaults, which differ where another does: the rates of optimisers."""
    axis = AXES.get(name)
    given = axis is not None and not axis.from_norm and (axis.from_recipe or axis.optional)
    return given and all(row[name] == default_of(name, row) for rows in experiments for row in rows)


def _follows(name: str, by: Sequence[str], experiments: Iterable[Cells]) -> bool:
    """Whether an axis has one value wherever those of `by` are the same."""
    for rows in experiments:
        seen: dict[tuple[Value, ...], Value] = {}
        for row in rows:
            key = tuple(row[other] for other in by)
            if seen.setdefault(key, row[name]) != row[name]:
                return False
    return True


def _is_of_the_norm(name: str, experiments: Sequence[Cells]) -> bool:
    """Whether an axis is part of what a line is, as G is: each line has one value of it, or it is none of
    some norms, or a choice (no number) that not every norm was given."""
    if _follows(name, NORM, experiments):
        return True
    for rows in experiments:
        by_norm: dict[Value, set[Value]] = {}
        for row in rows:
            by_norm.setdefault(row["norm"], set()).add(row[name])
        kinds = list(by_norm.values())
        uncrossed = any(values != kinds[0] for values in kinds)
        if uncrossed and ({None} in kinds or not _is_numeric(name, [rows])):
            return True
    return False


def _is_numeric(name: str, experiments: Iterable[Cells]) -> bool:
    """Whether all values that are there are numbers; true and false are none."""
    values = [row[name] for rows in experiments for row in rows if row[name] is not None]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _is_everywhere(name: str, experiments: Iterable[Cells]) -> bool:
    return all(row[name] is not None for rows in experiments for row in rows)


def _most_values(names: Sequence[str], experiments: Sequence[Cells]) -> str:
    """The axis with most values, numbers before texts, the first of equals."""
    count = {name: len({row[name] for rows in experiments for row in rows}) for name in names}
    return max(names, key=lambda name: (_is_numeric(name, experiments), count[name]))


def _x(free: Sequence[str], experiments: Sequence[Cells]) -> str:
    """Batch size where it varies, else the number with most values, else a text where only texts vary."""
    if "batch_size" in free or not free:
        return "batch_size"
    several = _varies("norm", experiments) or _varies("groups", experiments)
    candidates = [
        name
        for name in free
        if _is_everywhere(name, experiments) and not (several and _is_of_the_norm(name, experiments))
    ]
    return _most_values(candidates, experiments) if candidates else "batch_size"


def _checked(x: str, own: Sequence[str], experiments: Sequence[Cells]) -> str:
    """`x`, where lines can run over it. Raises InputError."""
    names = [name for name in (*AXES, *own) if name != "norm"]
    if x not in names:
        near = difflib.get_close_matches(x, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"--x {x} is no axis that lines can run over{hint} There are: {', '.join(names)}")
    if not _is_everywhere(x, experiments):
        raise InputError(f"--x {x}: not every trial has a value of it, so no line can run over it")
    return x
