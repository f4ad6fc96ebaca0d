"""Group norm against batch norm, seed by seed.

Seeds are pairs: seed 3 starts both networks from the same draw and shows both the same images in the same
order, so part of the noise is shared and the difference within a seed is what the study asks about.
Unpaired seeds (one of the two failed or is missing) are left out of the difference and counted.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.stats import paired
from analysis.stats.cells import Cell, Line, Panel
from analysis.stats.intervals import Interval, bca_interval
from analysis.stats.summary import Summary, summary


class Difference(NamedTuple):
    """At one batch size, `line` minus `base` in points of error: below zero, `line` is better.

    `values`: seed -> difference. `unpaired`: seeds that only one of the two finished. `p`: of the paired
    t test; `p_flip`: of the exact sign-flip test; `p_holm`, `p_flip_holm`: adjusted over the batch sizes of
    this pair of lines. `claimed`: what the decision rule allows to be called a difference.
    `family`: how many batch sizes that correction counts.
    """

    panel: Panel
    line: Line
    base: Line
    batch_size: int
    values: dict[int, float]
    unpaired: tuple[int, ...]
    summary: Summary
    bca: Interval
    p: float
    p_holm: float
    p_flip: float
    p_flip_holm: float
    effect: float
    claimed: bool
    family: int


def differences(cells: Sequence[Cell], measure: str = "last") -> list[Difference]:
    """Every other line of a panel minus batch norm, at each batch size that both have; large batches first.

    `cells`: of one panel. Without batch norm the first line is the base. A batch size at which no seed
    finished both has n = 0.
    """
    lines = list(dict.fromkeys(cell.line for cell in cells))
    if len(lines) < 2:
        return []
    base = base_of(lines)
    return [d for line in lines if line != base for d in _family(cells, line, base, measure)]


def base_of(lines: Sequence[Line]) -> Line:
    """What the others are compared with: batch norm where there is one."""
    return next((line for line in lines if line.norm == "bn"), lines[0])


def _family(cells: Sequence[Cell], line: Line, base: Line, measure: str) -> list[Difference]:
    """One line against the base over the batch sizes: the family of Holm's correction."""
    ours = {c.batch_size: c.errors(measure) for c in cells if c.line == line}
    theirs = {c.batch_size: c.errors(measure) for c in cells if c.line == base}
    sizes = sorted(ours.keys() & theirs.keys(), reverse=True)
    values = {
        b: {s: ours[b][s] - theirs[b][s] for s in sorted(ours[b].keys() & theirs[b].keys())} for b in sizes
    }
    arrays = [list(values[b].values()) for b in sizes]
    tests = [paired.t_test(x) for x in arrays]
    flips = [paired.sign_flip(x) for x in arrays]
    adjusted, flips_adjusted = paired.holm(tests), paired.holm(flips)
    claims = paired.decide(adjusted)
    family = sum(math.isfinite(p) for p in tests)
    return [
        Difference(
            panel=cells[0].panel,
            line=line,
            base=base,
            batch_size=b,
            values=values[b],
            unpaired=tuple(sorted(ours[b].keys() ^ theirs[b].keys())),
            summary=summary(arrays[i]),
            bca=bca_interval(arrays[i], np.random.default_rng(0)),
            p=tests[i],
            p_holm=adjusted[i],
            p_flip=flips[i],
            p_flip_holm=flips_adjusted[i],
            effect=paired.effect_size(arrays[i]),
            claimed=claims[i],
            family=family,
        )
        for i, b in enumerate(sizes)
    ]
