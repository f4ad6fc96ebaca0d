"""The section on paired differences: how large, how sure, and how many seeds more would take."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.plots import differences as figures
from analysis.stats import paired, power
from analysis.stats.cells import Panel
from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA, CI, CONFIDENCE_LABEL, FEWEST_VALUES, bca_coverage
from analysis.study import Study
from analysis.words.numbers import count_in_words, p_value, signed, signed_interval, too_few_words

#: What the calculator offers, in points of error, points and probabilities.
HALF_WIDTHS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
EFFECTS = (0.25, 0.5, 1.0, 2.0)
POWERS = (0.8, 0.9, 0.95)

_COLUMNS = (
    Column("line", "Norm"),
    Column("batch_size", "Batch size", True),
    Column("n", "n pairs", True),
    Column("mean", "Difference", True, 2),
    Column("t", f"{CI} (t)", True),
    Column("bca", f"BCa (nominal {CONFIDENCE_LABEL})", True),
    Column("p", "p (t test)", True),
    Column("p_holm", "Holm", True),
    Column("p_flip", "p (sign flip)", True),
    Column("p_flip_holm", "Holm", True),
    Column("effect", "Hedges’ g", True, 2),
    Column("verdict", "Verdict"),
)


class Spread(NamedTuple):
    """A row of the calculator: the sd of the differences seen, in points of error."""

    swatch: str
    batch_size: int
    sd: float


class PanelView(NamedTuple):
    """One panel's differences. `key`: of its figure and calculator; `base`: the line that is subtracted."""

    key: str
    heading: str | None
    label: str
    base: str
    table: Markup
    what_n_allows: str
    spreads: list[Spread]


def section(study: Study) -> Section | None:
    """Paired differences of every panel that has two lines; None where none has."""
    views, drawn = [], {}
    for panel in study.compared:
        own = study.differences[panel]
        info = figures.info(own) if own else None
        if info is None:
            continue
        key = _key(study, panel)
        drawn[key] = figures.figure(info, study.styles).to_plotly_json()
        label = f"Paired differences from {info.base.name} over batch size; the table below has the numbers"
        heading = study.name(panel) if len(study.compared) > 1 else None
        view = PanelView(
            key, heading, label, info.base.name, _table(own, study), what_n_allows(own), _spreads(own, study)
        )
        views.append(view)
    if not views:
        return None
    body = html.render(
        "differences",
        panels=views,
        declared=all(sweep.facts for sweep in study.sweeps),
        half_widths={str(w): f"{w:g} points" for w in HALF_WIDTHS},
        powers={str(p): f"{p:.0%}" for p in POWERS},
        effects={str(e): f"{e:g} points" for e in EFFECTS},
    )
    return Section("differences", "Differences", "Is the difference real?", body, figures=drawn)


def _key(study: Study, panel: Panel) -> str:
    """Of the panel's figure and of its calculator."""
    return f"gaps-{study.index(panel)}"


def _table(differences: Sequence[Difference], study: Study) -> Markup:
    rows = [
        [
            html.swatch(study, d.line, _name(d)),
            d.batch_size,
            d.summary.n,
            Shown(d.summary.mean, signed(d.summary.mean, 2) if d.values else "–"),
            Shown(d.summary.interval.low, signed_interval(d.summary.interval, 2)),
            Shown(d.bca.low, signed_interval(d.bca, 2)),
            *(Shown(p, p_value(p)) for p in (d.p, d.p_holm, d.p_flip, d.p_flip_holm)),
            Shown(d.effect, signed(d.effect, 2) if math.isfinite(d.effect) else "–"),
            verdict(d),
        ]
        for d in differences
    ]
    return html.table(_COLUMNS, rows, "Differences in points of error, paired by seed")


def _name(d: Difference) -> str:
    return f"{d.line.name} − {d.base.name}"


def verdict(d: Difference) -> str:
    """What may be said of one difference, and who was left out of it."""
    if not d.summary.interval.known:
        words = "no pair" if d.summary.n == 0 else f"{d.summary.n} pairs: {too_few_words(d.summary.n)}"
        words = "one pair: no interval" if d.summary.n == 1 else words
    elif d.claimed:
        words = f"{'lower' if d.summary.mean < 0 else 'higher'} error"
    else:
        words = "not resolved" + (" after Holm" if d.p < ALPHA else "")
    if d.unpaired:
        words += f"; {len(d.unpaired)} unpaired"
    return words


def what_n_allows(differences: Sequence[Difference]) -> str:
    """What so many pairs can show at all, in words."""
    counts = sorted({d.summary.n for d in differences if d.summary.n >= FEWEST_VALUES})
    if not counts:
        return "One or two seeds give means and no interval: nothing can be tested."
    n, family = counts[-1], max(1, *(d.family for d in differences))
    least = min(1.0, family * paired.smallest_p(n))
    text = f"With {n} pairs the smallest p that the two-sided sign-flip test can give is 1/{2 ** (n - 1)}"
    if family > 1:
        text += f", times {count_in_words(family)} by Holm’s correction over the batch sizes"
    text += f" ({least:.3g})"
    if least >= ALPHA:
        fewest = count_in_words(paired.fewest_pairs(family))
        text += f", so by that test nothing can be significant at {ALPHA:g}; {fewest} pairs are the fewest"
        text += " that could."
    else:
        text += "."
    if len(counts) > 1:
        text += f" Some batch sizes have only {counts[0]}."
    return f"{text} {_bca_words(n)}"


def _bca_words(n: int) -> str:
    """What a BCa interval of `n` differences is worth."""
    share = bca_coverage(n)
    if share is None:
        return ""
    return (
        f"BCa intervals are shown because readers ask for them: nominal at {CONFIDENCE_LABEL}, with {n} "
        f"pairs they hold the truth in about {share:.0%} of studies with normal errors, so the claims rest "
        "on the t intervals."
    )


# -- how many seeds ----------------------------------------------------------------------------------


def _spreads(differences: Sequence[Difference], study: Study) -> list[Spread]:
    return [
        Spread(html.swatch(study, d.line, _name(d)).text, d.batch_size, d.summary.sd)
        for d in differences
        if d.summary.interval.known
    ]


#: Seeds at the sd seen, and at the ends of its interval; None above power.MOST_SEEDS.
Seeds = tuple[int | None, int | None, int | None]
#: What is chosen -> seeds; for a half-width, and for a power and an effect.
Needed = dict[str, dict[str, Seeds]]


def seeds_data(study: Study) -> dict[str, list[Needed]]:
    """What the calculator looks up: key -> a row per difference -> choice -> seeds, None above 1,000."""
    by_key = {}
    for panel in study.compared:
        rows = [_needed(d) for d in study.differences[panel] if d.summary.interval.known]
        if rows:
            by_key[_key(study, panel)] = rows
    return by_key


def _needed(d: Difference) -> Needed:
    """At the level that claims use: Holm's correction holds the first of the family to ALPHA over its
    number."""
    sds = (d.summary.sd, *power.sd_interval(d.summary.sd, d.summary.n))
    alpha = ALPHA / d.family

    def for_width(width: float) -> Seeds:
        seen, low, high = (power.seeds_for_half_width(sd, width) for sd in sds)
        return seen, low, high

    def for_power(chance: float, effect: float) -> Seeds:
        seen, low, high = (power.seeds_for_power(sd, effect, chance, alpha) for sd in sds)
        return seen, low, high

    return {
        "half": {str(w): for_width(w) for w in HALF_WIDTHS},
        "power": {f"{p}|{e}": for_power(p, e) for p in POWERS for e in EFFECTS},
    }
