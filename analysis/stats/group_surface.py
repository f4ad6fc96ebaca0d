"""The error over G and width: the searches for G that differ in the width alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from analysis.stats.axes import at
from analysis.stats.best_groups import contenders
from analysis.stats.cells import Cell
from analysis.stats.estimate import Errors
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from model.architectures import ARCHITECTURES

_ENDED = ("done", "diverged")


@dataclass(frozen=True)
class Surface:
    """The searches for G of one network at several widths, alike in all else.

    `line`: the norm. `cells`: width -> G -> cell, both ascending. `where`: what tells it from others of the
    study, in words. `paired`: whether the runs of a seed are pairs.
    """

    panel: Panel
    line: Line
    where: str
    cells: Mapping[int, Mapping[int, Cell]]
    paired: bool

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(self.cells)

    @property
    def channels(self) -> dict[int, int]:
        """Width -> C, the channels of the narrowest layer; empty where the network is not one of ours."""
        known = ARCHITECTURES.get(self.panel.model or "")
        return {width: min(known.widths(width)) for width in self.cells} if known else {}

    @cached_property
    def errors(self) -> dict[int, dict[int, Errors]]:
        """Width -> G -> seed -> error in percent, of the Gs that may win, ascending."""
        may = {width: contenders(list(own.values())) for width, own in self.cells.items()}
        return {width: {g: own[g] for g in sorted(own)} for width, own in may.items()}

    @property
    def unfinished(self) -> int:
        """Trials without a result."""
        cells = [cell for own in self.cells.values() for cell in own.values()]
        return sum(n for cell in cells for status, n in cell.counts.items() if status not in _ENDED)


def surfaces(cells: Iterable[Cell], paired: Mapping[Panel, bool]) -> list[Surface]:
    """Every search for G that was made at two widths or more, of two Gs or more each."""
    found: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        if cell.panel.holdout and cell.line.groups is not None and cell.value("width") and cell.errors():
            rest = tuple(cell.value(n) for n in cell.panel.roles.cell if n not in {"groups", "width"})
            found.setdefault(rest, []).append(cell)
    made = [_surface(own, paired[own[0].panel]) for own in found.values()]
    return [surface for surface in made if len(surface.cells) > 1]


def _surface(cells: Sequence[Cell], paired: bool) -> Surface:
    by_width: dict[int, dict[int, Cell]] = {}
    for cell in sorted(cells, key=_size):
        width, groups = _size(cell)
        by_width.setdefault(width, {})[groups] = cell
    first, roles = cells[0], cells[0].panel.roles
    names = [n for n in (roles.x, *roles.more) if n not in {"norm", "groups", "width"}]
    where = ", ".join(at(name, first.value(name)) for name in names)
    line = Line(first.line.norm, label=first.line.label)
    several = {width: own for width, own in by_width.items() if len(own) > 1}
    return Surface(first.panel, line, where, several, paired)


def _size(cell: Cell) -> tuple[int, int]:
    return int(cell.value("width") or 0), int(cell.value("groups") or 0)
