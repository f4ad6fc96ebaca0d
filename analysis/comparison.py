"""Group norm against batch norm, seed by seed.

Seeds are pairs: seed 3 starts both networks from the same draw and shows both the same images in the same
order, so part of the noise is shared and the difference within a seed is what the study asks about.
Unpaired seeds (one of the two failed or is missing) are left out of the difference and counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.cells import Cell, Line, Panel
from analysis.stats import Summary, summary


class Difference(NamedTuple):
    """At one batch size, `line` minus `base` in points of error: below zero, `line` is better.

    `values`: seed -> difference. `unpaired`: seeds that only one of the two finished.
    """

    panel: Panel
    line: Line
    base: Line
    batch_size: int
    values: dict[int, float]
    unpaired: tuple[int, ...]

    @property
    def summary(self) -> Summary:
        return summary(list(self.values.values()))


def differences(cells: Sequence[Cell], measure: str = "last") -> list[Difference]:
    """Every other line of a panel minus batch norm, at each batch size that both have.

    `cells`: of one panel. Without batch norm the first line is the base. Large batches first.
    """
    lines = list(dict.fromkeys(cell.line for cell in cells))
    if len(lines) < 2:
        return []
    base = next((line for line in lines if line.norm == "bn"), lines[0])
    by_key = {(cell.line, cell.batch_size): cell.errors(measure) for cell in cells}
    found = []
    for line in lines:
        for batch_size in sorted({cell.batch_size for cell in cells}, reverse=True):
            ours, theirs = by_key.get((line, batch_size)), by_key.get((base, batch_size))
            if line != base and ours is not None and theirs is not None:
                both = sorted(ours.keys() & theirs.keys())
                values = {seed: ours[seed] - theirs[seed] for seed in both}
                unpaired = tuple(sorted(ours.keys() ^ theirs.keys()))
                found.append(Difference(cells[0].panel, line, base, batch_size, values, unpaired))
    return found
