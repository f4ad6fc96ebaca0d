"""What every claim of a panel comes to under a choice, so that choices can be set side by side.

A reader may read errors off the last epoch or as a median, take runs as pairs or as independent, and choose a
margin. A claim that holds under one of these alone is a claim about the choice.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from analysis.stats.axes import XAxis
from analysis.stats.cells import Cell
from analysis.stats.choices import MEASURES, Choices, Margin
from analysis.stats.claims import Constancy, constancy
from analysis.stats.differences import Difference, differences
from analysis.stats.estimate import Estimate
from analysis.stats.interaction import interactions
from analysis.stats.line import Line
from model.axis import Value


class Claim(NamedTuple):
    """`difference`: of `line` from `base` at `last`; `change` of it from `first` to `last`; `constancy` of
    `line` from `first` to `last`, `base` being itself."""

    kind: Literal["change", "difference", "constancy"]
    line: Line
    base: Line
    x: XAxis
    first: Value
    last: Value


Verdict = Literal["lower", "higher", "constant", "not constant", "alike", "not resolved", "no interval"]


class Outcome(NamedTuple):
    """`verdict`: lower or higher error of the claim's line, or less or more growth; alike within the margin.
    `value`: the estimate in points; of constancy the smallest margin that passes; NaN where there is none."""

    verdict: Verdict
    value: float


def alternatives(cells: Sequence[Cell], choices: Choices) -> list[Choices]:
    """Every choice that differs from `choices` in one thing and can be made with these cells: the other
    measure, the other pairing (not where a rule added seeds, which it did to pairs), half and twice the
    margin."""
    kept = [m for m in MEASURES if m != choices.measure and any(cell.errors(m) for cell in cells)]
    margins = [
        Margin(choices.margin.value * factor, choices.margin.relative, chosen=True) for factor in (0.5, 2)
    ]
    return [
        *(replace(choices, measure=measure) for measure in kept),
        *([] if any(cell.sequential for cell in cells) else [replace(choices, paired=not choices.paired)]),
        *(replace(choices, margin=margin) for margin in margins),
    ]


def outcomes(
    cells: Sequence[Cell], choices: Choices, compared: Sequence[Difference] | None = None
) -> dict[Claim, Outcome]:
    """Every claim of one panel's cells: changes, differences (large batches first), constancy. `compared`:
    their differences by the same choices, where somebody has them."""
    if compared is None:
        compared = differences(cells, choices)
    return _comparisons(compared) | constancies(cells, choices)


def constancies(cells: Sequence[Cell], choices: Choices) -> dict[Claim, Outcome]:
    """The claims that a margin has a say in."""
    return {
        Claim("constancy", c.line, c.line, c.rise.x, c.rise.first, c.rise.last): Outcome(
            _constancy(c), c.test.reach
        )
        for c in constancy(cells, choices)
    }


def _comparisons(compared: Sequence[Difference]) -> dict[Claim, Outcome]:
    found = {
        Claim("change", i.line, i.base, i.x, i.first, i.last): _outcome(i.estimate, i.claimed)
        for i in interactions(compared)
    }
    return found | {
        Claim("difference", d.line, d.base, d.panel.x, d.x, d.x): _difference(d) for d in compared
    }


def _difference(d: Difference) -> Outcome:
    if d.decided and not d.claimed:
        return Outcome("alike", d.estimate.mean)
    return _outcome(d.estimate, d.claimed)


def _outcome(estimate: Estimate, claimed: bool) -> Outcome:
    if not estimate.interval.known:
        return Outcome("no interval", estimate.mean)
    if not claimed:
        return Outcome("not resolved", estimate.mean)
    return Outcome("lower" if estimate.mean < 0 else "higher", estimate.mean)


def _constancy(c: Constancy) -> Verdict:
    if math.isnan(c.test.p):
        return "no interval"
    if c.test.shown:
        return "constant"
    return "not constant" if c.rise.at_least > c.test.margin else "not resolved"
