"""Does what one panel shows hold in the others? The panels of one experiment that differ in an axis that the
study varies on purpose, as learning rates beside norm × batch size, set side by side claim by claim.

Nothing is pooled: each panel is a family of its own, and its claims are made within it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell
from analysis.stats.line import Line
from analysis.stats.outcomes import Claim, Outcome
from analysis.stats.panel import Panel
from model.axis import Value


class Elsewhere(NamedTuple):
    """`panels`: those that differ in the same axes alone, the first being what the others are held against.
    `claims`: every claim that two of them or more make, and what it comes to in each that makes it."""

    panels: tuple[Panel, ...]
    claims: dict[Claim, dict[Panel, Outcome]]

    def moved(self, claim: Claim) -> list[Panel]:
        """The panels in which a claim comes out otherwise than in the first that makes it."""
        found = self.claims[claim]
        first = next(iter(found.values())).verdict
        return [panel for panel, outcome in found.items() if outcome.verdict != first]


def together(panels: Iterable[Panel], varied: Sequence[str]) -> list[tuple[Panel, ...]]:
    """The panels of one source that share every axis but those of `varied`, where there are two or more."""
    groups: dict[tuple[object, ...], list[Panel]] = {}
    for panel in panels:
        rest = tuple(panel[name] for name in panel.roles.panel if name not in varied)
        groups.setdefault((panel.source, rest), []).append(panel)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def elsewhere(panels: Sequence[Panel], outcomes: Mapping[Panel, Mapping[Claim, Outcome]]) -> Elsewhere:
    """The claims of `panels`, which are of one experiment."""
    found: dict[Claim, dict[Panel, Outcome]] = {}
    for panel in panels:
        for claim, outcome in outcomes[panel].items():
            found.setdefault(claim, {})[panel] = outcome
    return Elsewhere(tuple(panels), {claim: own for claim, own in found.items() if len(own) > 1})


def orders(cells: Sequence[Cell], measure: str) -> dict[Value, list[Line]]:
    """x -> the lines of one panel by their mean error there, the lowest first; those without one are left
    out."""
    means: dict[Value, dict[Line, float]] = {}
    for cell in sorted(cells, key=lambda cell: cell.panel.x.key(cell.x)):
        if cell.errors(measure):
            means.setdefault(cell.x, {})[cell.line] = cell.summary(measure).mean
    return {x: sorted(own, key=lambda line: own[line]) for x, own in means.items()}


def best(cells: Iterable[Cell], measure: str) -> dict[Value, dict[Line, Cell]]:
    """x -> line -> the cell in which its mean error is lowest there, of the cells of several panels."""
    found: dict[Value, dict[Line, Cell]] = {}
    for cell in cells:
        if cell.errors(measure):
            own = found.setdefault(cell.x, {})
            pair = (own.get(cell.line, cell), cell)
            own[cell.line] = min(pair, key=lambda cell: cell.summary(measure).mean)
    return found
