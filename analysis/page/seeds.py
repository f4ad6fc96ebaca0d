"""How many seeds it would take: what the calculator beside the differences looks up."""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.page import html
from analysis.stats import power
from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA
from analysis.study import Study

#: What the calculator offers, in points of error, points and probabilities.
HALF_WIDTHS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
EFFECTS = (0.25, 0.5, 1.0, 2.0)
POWERS = (0.8, 0.9, 0.95)


class Spread(NamedTuple):
    """A row of the calculator: the sd of the difference seen, in points of error."""

    swatch: str
    x: str
    sd: float


def spreads(differences: Sequence[Difference], study: Study) -> list[Spread]:
    """A row for each difference that has a spread."""
    return [
        Spread(
            html.swatch(study, d.line, f"{d.line.name} − {d.base.name}").text,
            d.panel.x.text(d.x),
            d.estimate.sd,
        )
        for d in differences
        if d.estimate.interval.known
    ]


#: Seeds at the sd seen, and at the ends of its interval; None above power.MOST_SEEDS.
Seeds = tuple[int | None, int | None, int | None]
#: What is chosen -> seeds; for a half-width, and for a power and an effect.
Needed = dict[str, dict[str, Seeds]]


def seeds_needed(differences: Sequence[Difference]) -> list[Needed]:
    """What the calculator looks up, a row per difference."""
    return [_needed(d) for d in differences if d.estimate.interval.known]


def _needed(d: Difference) -> Needed:
    """At the level that claims use: Holm's correction holds the first of the family to ALPHA over its
    number."""
    e = d.estimate
    sds = (e.sd, *power.sd_interval(e.sd, e.sd_df))
    alpha = ALPHA / d.family

    def for_width(width: float) -> Seeds:
        seen, low, high = (power.seeds_for_half_width(sd, width, per_seed=e.df_per_seed) for sd in sds)
        return seen, low, high

    def for_power(chance: float, effect: float) -> Seeds:
        seen, low, high = (power.seeds_for_power(sd, effect, chance, alpha, e.df_per_seed) for sd in sds)
        return seen, low, high

    return {
        "half": {str(w): for_width(w) for w in HALF_WIDTHS},
        "power": {f"{p}|{e}": for_power(p, e) for p in POWERS for e in EFFECTS},
    }
