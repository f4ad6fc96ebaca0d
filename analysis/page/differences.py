"""The section on differences: how large, how sure, by which comparison, and what more seeds would give."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import difference_copies, html, seeds
from analysis.page.html import Column, Section, Shown
from analysis.plots import differences as figures
from analysis.stats.axes import XAxis
from analysis.stats.differences import Difference
from analysis.stats.intervals import CI, CONFIDENCE_LABEL
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.limits import what_n_allows
from analysis.words.numbers import p_value, signed, signed_interval
from analysis.words.pairing import bought_sentence, pairing_sentences, test_name
from analysis.words.verdict import forest_words, verdict


class PanelView(NamedTuple):
    """One panel's differences. `number`: the panel's in the page; `key`: of its figure and calculator;
    `base`: the line that is subtracted, empty where it is not one; `height`: of the figure, in pixels;
    `axis`: what lines run over; `pairing`: which comparison rules; `beside`: the other one, None where runs
    are independent or where a rule added seeds (`sequential`), which only what holds whenever one stops can
    speak of."""

    key: str
    number: int
    heading: str | None
    label: str
    base: str
    height: int
    axis: XAxis
    pairing: str
    paired: bool
    sequential: bool
    family: int
    table: Markup
    beside: Markup | None
    bought: str
    what_n_allows: str
    spreads: list[seeds.Spread]


def section(study: Study) -> Section | None:
    """The differences of every panel that has two lines; None where none has."""
    views, drawn = [], {}
    for panel in study.compared:
        own = study.differences[panel]
        info = figures.info(own, forest_words) if own else None
        if info is None:
            continue
        key = _key(study, panel)
        drawn[key] = {**figures.drawing(info, study.styles), "narrow": figures.narrow(info, study.styles)}
        views.append(_view(panel, own, study, info))
    if not views:
        return None
    body = html.render(
        "differences",
        panels=views,
        copies=difference_copies.FORMATS,
        half_widths={str(w): f"{w:g} points" for w in seeds.HALF_WIDTHS},
        powers={str(p): f"{p:.0%}" for p in seeds.POWERS},
        effects={str(e): f"{e:g} points" for e in seeds.EFFECTS},
    )
    return Section("differences", "Differences", "Is the difference real?", body, figures=drawn)


def copies(study: Study) -> dict[str, str]:
    """What the section's buttons copy."""
    return {
        f"differences-{study.index(panel)}-{form}": text
        for panel in study.compared
        if study.differences[panel]
        for form, text in difference_copies.copies(study.differences[panel], study.measure).items()
    }


def seeds_data(study: Study) -> dict[str, list[seeds.Needed]]:
    """What the calculators look up: key -> a row per difference -> choice -> seeds, None above 1,000. Where a
    rule adds seeds there is nothing to reckon."""
    fixed = [panel for panel in study.compared if not study.sequential(panel)]
    by_key = {_key(study, panel): seeds.seeds_needed(study.differences[panel]) for panel in fixed}
    return {key: rows for key, rows in by_key.items() if rows}


def _key(study: Study, panel: Panel) -> str:
    """Of the panel's figure and of its calculator."""
    return f"gaps-{study.index(panel)}-{study.measure}"


def _view(panel: Panel, own: Sequence[Difference], study: Study, info: figures.DifferencesInfo) -> PanelView:
    paired, added = study.choices[panel].paired, study.sequential(panel)
    base = info.base.name if info.base else ""
    return PanelView(
        key=_key(study, panel),
        number=study.index(panel),
        heading=study.name(panel) if len(study.compared) > 1 else None,
        label=f"Differences {f'from {base} ' if base else ''}over {panel.x.word}; "
        "the table below has the numbers",
        base=base,
        height=info.height,
        axis=panel.x,
        pairing=pairing_sentences(
            study.sweep_of[panel].origin,
            paired=paired,
            norms_alone=not panel.roles.more,
            sequential=added,
        ),
        paired=paired,
        sequential=added,
        family=max(1, own[0].family),
        table=_table(own, study, paired),
        beside=_beside(own, study) if paired and not added else None,
        bought="" if added else bought_sentence(own),
        what_n_allows="" if added else what_n_allows(own),
        spreads=[] if added else seeds.spreads(own, study),
    )


def _table(differences: Sequence[Difference], study: Study, paired: bool) -> Markup:
    """The comparison that rules. Where a rule added seeds, without the tests that need their number fixed."""
    added = differences[0].estimate.sequential
    exact = "sign flip" if paired else "permutation"
    columns = (
        *html.place(differences[0].panel),
        Column("n", "Pairs" if paired else "n", True),
        Column("mean", "Difference", True, 2),
        Column("t", f"{CI} ({test_name(paired=paired, sequential=added)})", True),
        Column("simultaneous", "Simultaneous", True),
        Column("p", "p", True),
        Column("p_holm", "Holm", True),
        *([] if added else [Column("p_exact", f"p ({exact})", True), Column("p_exact_holm", "Holm", True)]),
        Column("g", "Hedges’ g of runs", True),
        Column("verdict", "Verdict"),
    )
    rows = [
        [
            *_head(d, study),
            Shown(d.estimate.fewest, ", ".join(map(str, d.estimate.n))),
            Shown(d.estimate.mean, signed(d.estimate.mean, 2) if d.estimate.exists else "–"),
            *(Shown(i.low, signed_interval(i, 2)) for i in (d.estimate.interval, d.simultaneous)),
            *(Shown(p, p_value(p)) for p in (d.estimate.p, d.p_holm)),
            *([] if added else [Shown(p, p_value(p)) for p in (d.p_exact, d.p_exact_holm)]),
            _effect(d.g),
            html.strong(verdict(d)) if d.decided else verdict(d),
        ]
        for d in differences
    ]
    how = "paired by seed" if paired else "independent runs"
    return html.table(
        columns, rows, f"Differences in points of {html.measured(study, differences[0].panel)}, {how}"
    )


def _beside(differences: Sequence[Difference], study: Study) -> Markup:
    """What pairs have to say beside the comparison that rules."""
    columns = (
        *html.place(differences[0].panel),
        Column("r", "Correlation over seeds", True),
        Column("welch", f"{CI} (Welch)", True),
        Column("p", "p (Welch)", True),
        Column("bought", "Paired width / Welch’s", True, 2),
        Column("bca", f"BCa (nominal {CONFIDENCE_LABEL})", True),
        Column("g_z", "Hedges’ g_z of pairs", True),
    )
    rows = [
        [
            *_head(d, study),
            _effect(d.pairs.correlation),
            Shown(d.pairs.welch.interval.low, signed_interval(d.pairs.welch.interval, 2)),
            Shown(d.pairs.welch.p, p_value(d.pairs.welch.p)),
            d.bought,
            Shown(d.pairs.bca.low, signed_interval(d.pairs.bca, 2)),
            _effect(d.pairs.g_z),
        ]
        for d in differences
        if d.pairs
    ]
    return html.table(columns, rows, "What pairing gained, and the same comparison as independent runs")


def _head(d: Difference, study: Study) -> tuple[Shown, object]:
    return html.swatch(study, d.line, f"{d.line.name} − {d.base.name}"), html.axis_value(d.x)


def _effect(value: float) -> Shown:
    return Shown(value, signed(value, 2) if math.isfinite(value) else "–")
