"""One line against another, batch size by batch size, or whatever else lines run over.

Where seeds are pairs, seed 3 starts both networks from the same draw and shows both the same images in the
same order, so part of the noise is shared and the difference within a seed is what the study asks about.
Seeds that only one of the two finished are then left out of the difference and counted. Where runs are
independent, all of them count, and the comparison is Welch's."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.stats import effect, permutation
from analysis.stats.bases import pairs_of
from analysis.stats.cells import Cell
from analysis.stats.choices import Choices, Margin
from analysis.stats.estimate import Errors, Estimate, common_seeds, contrast
from analysis.stats.intervals import NAN, Interval, alike, bca_interval
from analysis.stats.line import Line
from analysis.stats.multiplicity import decide, holm, simultaneous_level
from analysis.stats.panel import Panel
from model.axis import Value


class Pairs(NamedTuple):
    """What there is to say of pairs alone. `values`: seed -> difference in points. `unpaired`: seeds that
    only one of the two finished. `correlation`: of the two lines' errors over seeds, NaN where either has no
    spread. `welch`: the comparison that would rule if the runs were independent."""

    values: dict[int, float]
    unpaired: tuple[int, ...]
    correlation: float
    welch: Estimate
    bca: Interval
    g_z: float


@dataclass(frozen=True)
class Difference:
    """At one `x`, `line` minus `base` in points of error: below zero, `line` is better.

    `ours`, `theirs`: the errors of both, by seed. `estimate`: by the comparison that rules, within seeds
    where `pairs` is there and Welch's where it is None. `family`: how many comparisons Holm's correction
    counts, those of the panel. `simultaneous`: the interval that holds together with the family's others.
    `p_exact`: of the sign-flip test for pairs, of the permutation test for independent runs. `g`: Hedges'
    between runs. `claimed`: what the decision rule allows to be called a difference. `alike`: the margin in
    points within which `simultaneous` lies, where a rule added seeds until either was so; else NaN."""

    panel: Panel
    line: Line
    base: Line
    x: Value
    ours: Errors
    theirs: Errors
    estimate: Estimate
    pairs: Pairs | None
    simultaneous: Interval
    p_holm: float
    p_exact: float
    p_exact_holm: float
    g: float
    claimed: bool
    family: int
    alike: float = NAN

    @property
    def decided(self) -> bool:
        """Whether it is claimed, or shown to be less than the margin."""
        return self.claimed or not math.isnan(self.alike)

    @property
    def bought(self) -> float:
        """The width of the paired interval over that of Welch's: below one, pairing made it narrower. NaN
        where either is not known."""
        return self.estimate.interval.half_width / self.pairs.welch.interval.half_width if self.pairs else NAN


def differences(cells: Sequence[Cell], choices: Choices) -> list[Difference]:
    """Every other line of a panel minus batch norm, or as `choices.base` says, at each x that both have;
    large batches first.

    `cells`: of one panel. An x at which there is nothing to compare has an estimate without a mean."""
    lines = list(dict.fromkeys(cell.line for cell in cells))
    by_cell = {(cell.line, cell.x): cell.errors(choices.measure) for cell in cells}
    compared = [
        (line, base, x)
        for line, base in pairs_of(lines, choices.base)
        for x in cells[0].panel.x.ordered(x for _, x in by_cell)
        if (line, x) in by_cell and (base, x) in by_cell
    ]
    if not compared:
        return []
    both = [(by_cell[line, x], by_cell[base, x]) for line, base, x in compared]
    return _family(cells[0].panel, compared, both, choices)


def by_pair(differences: Iterable[Difference]) -> dict[tuple[Line, Line], list[Difference]]:
    """The differences of each line from each base, in their order."""
    found: dict[tuple[Line, Line], list[Difference]] = {}
    for d in differences:
        found.setdefault((d.line, d.base), []).append(d)
    return found


def _family(
    panel: Panel,
    compared: Sequence[tuple[Line, Line, Value]],
    both: Sequence[tuple[Errors, Errors]],
    choices: Choices,
) -> list[Difference]:
    """All comparisons of one panel: the family of Holm's correction."""
    estimates = [contrast(pair, (1, -1), paired=choices.paired) for pair in both]
    pairs = [_pairs(*pair) if choices.paired else None for pair in both]
    exact = [
        permutation.sign_flip(list(p.values.values()))
        if p
        else permutation.exchange(_values(pair[0]), _values(pair[1]))
        for p, pair in zip(pairs, both, strict=True)
    ]
    added = any(e.sequential for e in estimates)
    # which have an interval by now depends on the results, and so it may not set the level
    family = len(compared) if added else sum(e.interval.known for e in estimates)
    adjusted, exact_adjusted = holm([e.p for e in estimates], family), holm(exact)
    claims = decide(adjusted)
    together = [e.at(simultaneous_level(family)) for e in estimates]
    return [
        Difference(
            panel=panel,
            line=line,
            base=base,
            x=x,
            ours=both[i][0],
            theirs=both[i][1],
            estimate=estimates[i],
            pairs=pairs[i],
            simultaneous=together[i],
            p_holm=adjusted[i],
            p_exact=exact[i],
            p_exact_holm=exact_adjusted[i],
            g=effect.g(*map(_values, both[i])),
            claimed=claims[i],
            family=family,
            alike=_alike(together[i], choices.margin) if added else NAN,
        )
        for i, (line, base, x) in enumerate(compared)
    ]


def _alike(interval: Interval, margin: Margin) -> float:
    """The margin in points, where the interval lies within it. One that is a share of an error is none here:
    the error is an estimate of its own."""
    inside = not margin.relative and -margin.value < interval.low and interval.high < margin.value
    return margin.value if inside else NAN


def _values(errors: Errors) -> list[float]:
    return list(errors.values())


def _pairs(ours: Errors, theirs: Errors) -> Pairs:
    seeds = common_seeds([ours, theirs])
    values = {seed: ours[seed] - theirs[seed] for seed in seeds}
    x, y = [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]
    known = len(seeds) > 2 and not alike(x) and not alike(y)
    return Pairs(
        values=values,
        unpaired=tuple(sorted(set(ours) ^ set(theirs))),
        correlation=float(np.corrcoef(x, y)[0, 1]) if known else NAN,
        welch=contrast([ours, theirs], (1, -1), paired=False),
        bca=bca_interval(list(values.values()), np.random.default_rng(0)),
        g_z=effect.g_z(list(values.values())),
    )
