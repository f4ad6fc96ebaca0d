"""How much is drawn and compared: what a person can look at, and what ends. Pure.

Comparisons are made between lines at every batch size, or whatever else they run over, and corrected as one
family, which takes time with the square of their number, and a page of a thousand batch sizes shows nothing.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

from analysis.stats.cells import Cell
from analysis.stats.panel import Panel

MOST_X = 64
MOST_LINES = 32
MOST_PANELS = 32
_T = TypeVar("_T", bound=Hashable)


def bounded(cells: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
    """The cells of one panel that are drawn and compared, in their order, and what was left out, in words.

    Kept are the x, as batch sizes, and the lines (a norm with its G) with most trials, the first of equals.
    """
    notes = []
    kept = _most([(cell.x, cell.trials) for cell in cells], MOST_X)
    if (count := len({cell.x for cell in cells})) > MOST_X:
        notes.append(_words(count, cells[0].panel.x.plural, MOST_X))
    lines = _most([(cell.line, cell.trials) for cell in cells if cell.x in kept], MOST_LINES)
    if (count := len({cell.line for cell in cells})) > MOST_LINES:
        what = "lines" if cells[0].panel.roles.more else "norms with their G"
        notes.append(_words(count, what, MOST_LINES))
    return [cell for cell in cells if cell.x in kept and cell.line in lines], notes


def bounded_panels(panels: dict[Panel, list[Cell]]) -> tuple[dict[Panel, list[Cell]], list[str]]:
    """The panels that are drawn, each bounded, and what was left out of them all, each said once."""
    trials = [(panel, sum(cell.trials for cell in cells)) for panel, cells in panels.items()]
    kept = _most(trials, MOST_PANELS)
    notes = [_words(len(panels), "panels", MOST_PANELS)] if len(panels) > MOST_PANELS else []
    shown = {}
    for panel, cells in panels.items():
        if panel in kept:
            shown[panel], more = bounded(cells)
            notes += more
    return shown, list(dict.fromkeys(notes))


def _most(counted: Sequence[tuple[_T, int]], most: int) -> set[_T]:
    totals: Counter[_T] = Counter()
    for item, count in counted:
        totals[item] += count
    return {item for item, _ in totals.most_common(most)}


def _words(count: int, what: str, kept: int) -> str:
    return f"of {count:,} {what} the {kept} with most trials are drawn and compared"
