"""Whether a conclusion survives when each cell is trained with what its own search chose.

At one recipe the norm wins that the recipe suits, which is no fact about norms: of optimisers Choi et al.
(2019, On Empirical Comparisons of Optimizers for Deep Learning, arXiv 1910.05446) show that their ranking
follows what was searched for each. So each cell, a norm at a batch size, has a search of the same size, and
what the study claims at the common recipe is held against the same comparison among the tuned cells: the
order of the norms at each batch size, the rise from the largest to the smallest, and their interaction.

A change from the one to the other is a contrast of both, within a seed where the runs of a seed are pairs:
the seeds of the final trials are the same at both. The search had other seeds and other images to judge on,
so given what it chose the intervals are ordinary ones. They say nothing of what another search would have
chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

from analysis.stats.cells import Cell
from analysis.stats.choices import Choices
from analysis.stats.claims import Rise, rises
from analysis.stats.differences import Difference, differences
from analysis.stats.estimate import Errors, Estimate, contrast
from analysis.stats.interaction import Interaction, interactions
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from analysis.stats.searched import Searched, searched_cells
from model.axis import Value

#: What of a claim at the common recipe is there among the tuned cells.
Verdict = Literal["same", "lost", "gained", "reversed", "open"]


class Kept(NamedTuple):
    """A claim at the common recipe and among the tuned cells, and the change from the one to the other."""

    common: Estimate
    tuned: Estimate
    change: Estimate
    verdict: Verdict


class KeptDifference(NamedTuple):
    line: Line
    base: Line
    x: Value
    kept: Kept


class KeptRise(NamedTuple):
    line: Line
    first: Value
    last: Value
    kept: Kept


class KeptInteraction(NamedTuple):
    line: Line
    base: Line
    first: Value
    last: Value
    kept: Kept


@dataclass(frozen=True)
class EqualBudgets:
    """The searched cells of one panel. What is compared is empty where either side is wanting; `alone`: the
    differences and interactions among the tuned cells, of a panel without a common recipe beside."""

    panel: Panel
    cells: tuple[Searched, ...]
    differences: tuple[KeptDifference, ...]
    rises: tuple[KeptRise, ...]
    interactions: tuple[KeptInteraction, ...]
    alone: tuple[Difference, ...]
    alone_interactions: tuple[Interaction, ...]

    @property
    def lines(self) -> list[Line]:
        return list(dict.fromkeys(cell.line for cell in self.cells))


def equal_budgets(
    frame: pd.DataFrame, facts: Mapping[str, object], choices: Choices, prefix: str = ""
) -> list[EqualBudgets]:
    """Of one sweep, by panel; arguments as of `searched_cells`. Empty where nothing was searched."""
    by_panel: dict[Panel, list[Searched]] = {}
    for cell in searched_cells(frame, facts, prefix):
        by_panel.setdefault(cell.panel, []).append(cell)
    return [_of_panel(panel, own, choices) for panel, own in by_panel.items()]


def _of_panel(panel: Panel, own: Sequence[Searched], choices: Choices) -> EqualBudgets:
    tuned = [cell.tuned for cell in own if cell.tuned is not None]
    common = [cell.common for cell in own if cell.common is not None]
    after, before = (
        differences(tuned, choices) if tuned else [],
        differences(common, choices) if common else [],
    )
    alone = () if common else tuple(d for d in after if d.estimate.exists)
    return EqualBudgets(
        panel,
        tuple(own),
        tuple(_differences(before, after, choices)),
        tuple(_rises(common, tuned, choices)) if common and tuned else (),
        tuple(_interactions(before, after, choices)),
        alone,
        tuple(interactions(alone)),
    )


def _differences(
    before: Sequence[Difference], after: Sequence[Difference], choices: Choices
) -> list[KeptDifference]:
    by_place = {(d.line, d.base, d.x): d for d in before}
    return [
        KeptDifference(
            new.line,
            new.base,
            new.x,
            _kept(old.estimate, new.estimate, old.claimed, new.claimed, change),
        )
        for new in after
        if (old := by_place.get((new.line, new.base, new.x))) is not None
        and (change := _change(_sides(old), _sides(new), (1, -1), choices)).exists
    ]


def _sides(d: Difference) -> list[Errors]:
    return [d.ours, d.theirs]


def _interactions(
    before: Sequence[Difference], after: Sequence[Difference], choices: Choices
) -> list[KeptInteraction]:
    known = {(d.line, d.base, d.x): d for d in before}, {(d.line, d.base, d.x): d for d in after}
    olds = {(i.line, i.base, i.first, i.last): i for i in interactions(before)}
    found = []
    for new in interactions(after):
        old = olds.get((new.line, new.base, new.first, new.last))
        if old is None:
            continue
        ends = [[*_sides(side[new.line, new.base, x])] for side in known for x in (new.last, new.first)]
        change = _change([*ends[0], *ends[1]], [*ends[2], *ends[3]], (1, -1, -1, 1), choices)
        kept = _kept(old.estimate, new.estimate, old.claimed, new.claimed, change)
        found.append(KeptInteraction(new.line, new.base, new.first, new.last, kept))
    return found


def _rises(common: Sequence[Cell], tuned: Sequence[Cell], choices: Choices) -> list[KeptRise]:
    """A rise is claimed by its own interval."""
    errors = [{(c.line, c.x): c.errors(choices.measure) for c in side} for side in (common, tuned)]
    olds: dict[Line, Rise] = {rise.line: rise for rise in rises(common, choices)}
    found = []
    for new in rises(tuned, choices):
        old = olds.get(new.line)
        if old is None or (old.first, old.last) != (new.first, new.last):
            continue
        before, after = ([side[new.line, x] for x in (new.last, new.first)] for side in errors)
        change = _change(before, after, (1, -1), choices)
        kept = _kept(old.estimate, new.estimate, old.at_least > 0, new.at_least > 0, change)
        found.append(KeptRise(new.line, new.first, new.last, kept))
    return found


def _change(
    before: Sequence[Errors], after: Sequence[Errors], weights: Sequence[float], choices: Choices
) -> Estimate:
    """The contrast after minus the same before."""
    return contrast([*after, *before], (*weights, *(-w for w in weights)), paired=choices.paired)


def _kept(common: Estimate, tuned: Estimate, was: bool, is_now: bool, change: Estimate) -> Kept:
    if was and is_now:
        verdict: Verdict = "same" if (common.mean > 0) == (tuned.mean > 0) else "reversed"
    else:
        verdict = "lost" if was else "gained" if is_now else "open"
    return Kept(common, tuned, change, verdict)
