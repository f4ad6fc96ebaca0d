"""The sections that defend the answer: paired differences, what n allows, and the study's claims."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from analysis.page import markup
from analysis.page.headline import constancy_sentence, crossover_of, crossover_sentence, p_value, signed
from analysis.page.markup import Column, Section
from analysis.plots import differences
from analysis.stats import claims, paired
from analysis.stats.cells import Cell, Panel, short_names
from analysis.stats.differences import Difference
from analysis.study import Study

HALF_WIDTHS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
EFFECTS = (0.25, 0.5, 1.0, 2.0)
POWERS = (0.8, 0.9, 0.95)

_COLUMNS = (
    Column("line", "Norm"),
    Column("batch_size", "Batch size", True),
    Column("n", "n pairs", True),
    Column("mean", "Difference", True, 2),
    Column("t", "95% CI (t)", True),
    Column("bca", "95% CI (BCa)", True),
    Column("p", "p (t test)", True),
    Column("p_holm", "Holm", True),
    Column("p_flip", "p (sign flip)", True),
    Column("p_flip_holm", "Holm", True),
    Column("effect", "Hedges’ g", True, 2),
    Column("verdict", "Verdict"),
)


def difference_section(study: Study) -> Section | None:
    """Paired differences of every panel that has two lines; None where none has."""
    body, figures = "", {}
    for panel in study.compared:
        found = study.differences[panel]
        drawn = differences.info(found) if found else None
        if drawn is None:
            continue
        key = f"gaps-{study.index(panel)}"
        figures[key] = differences.figure(drawn, study.styles).to_plotly_json()
        heading = f"<h3>{escape(study.name(panel))}</h3>" if len(study.compared) > 1 else ""
        label = f"Paired differences from {drawn.base.name} over batch size; the table below has the numbers"
        body += (
            f"{heading}<figure>{markup.plot('plain', label, short=True, key=key)}<figcaption>Below zero, "
            f"{escape(drawn.base.name)} has the larger error. Bars: 95% t interval; dots: seeds.</figcaption>"
            f"</figure>{_table(found, study)}{_what_n_allows(found)}{_seeds(found, key, study)}"
        )
    if not body:
        return None
    lede = (
        '<p class="lede">Each seed starts both norms alike and shows them the same images in the same order, '
        "so "
        "differences are taken within a seed. A difference is claimed where the t test’s p, by Holm’s "
        "correction "
        "over the batch sizes, is below 0.05.</p>"
    )
    return Section("differences", "Differences", "Is the difference real?", lede + body, figures=figures)


def _table(found: Sequence[Difference], study: Study) -> str:
    rows = [
        [
            study.swatch(d.line, f"{d.line.name} − {d.base.name}"),
            d.batch_size,
            d.summary.n,
            (d.summary.mean, signed(d.summary.mean, 2) if d.values else "–"),
            _interval(d.summary.interval.low, d.summary.interval.high),
            _interval(d.bca.low, d.bca.high),
            *((p, escape(p_value(p))) for p in (d.p, d.p_holm, d.p_flip, d.p_flip_holm)),
            (d.effect, signed(d.effect, 2) if math.isfinite(d.effect) else "–"),
            verdict(d),
        ]
        for d in found
    ]
    return markup.table(_COLUMNS, rows, "Differences in points of error, paired by seed")


def _interval(low: float, high: float) -> tuple[float, str]:
    return (low, f"{signed(low, 2)} to {signed(high, 2)}") if math.isfinite(low) else (math.nan, "–")


def verdict(d: Difference) -> str:
    """What may be said of one difference, and who was left out of it."""
    if d.summary.n < 2:
        said = "no pair" if d.summary.n == 0 else "one pair: no interval"
    elif d.claimed:
        said = f"{'lower' if d.summary.mean < 0 else 'higher'} error"
    else:
        said = "not told apart" + (" after Holm" if d.p < paired.ALPHA else "")
    if d.unpaired:
        said += f"; {len(d.unpaired)} unpaired"
    return said


def _what_n_allows(found: Sequence[Difference]) -> str:
    counts = sorted({d.summary.n for d in found if d.summary.n > 1})
    if not counts:
        return '<p class="note">One seed gives a mean and no interval: nothing can be tested.</p>'
    n = counts[-1]
    least = paired.smallest_p(n)
    text = (
        f"With {n} pairs the smallest p that the two-sided sign-flip test can give is 1/{2 ** (n - 1)} "
        f"({least:.3g})"
    )
    if least >= paired.ALPHA:
        text += ", so by that test nothing can be significant at 0.05; six pairs are the fewest that could."
    else:
        text += ", before any correction."
    if len(counts) > 1:
        text += f" Some batch sizes have only {counts[0]}."
    text += (
        " BCa intervals are shown because readers ask for them; with five seeds they cover about 85%, not "
        "95%, "
        "so the claims rest on the t intervals."
    )
    return f'<p class="note">{escape(text)}</p>'


def _seeds(found: Sequence[Difference], key: str, study: Study) -> str:
    """How many seeds would be needed, for the precision or the power that the reader chooses."""
    known = [d for d in found if d.summary.n > 1]
    if not known:
        return ""
    half = markup.select(
        "an interval of ±", {str(w): f"{w:g} points" for w in HALF_WIDTHS}, "0.3", seeds="half"
    )
    power = markup.select("or power", {str(p): f"{p:.0%}" for p in POWERS}, "0.8", seeds="power")
    effect = markup.select("to find", {str(e): f"{e:g} points" for e in EFFECTS}, "0.5", seeds="effect")
    rows = "".join(
        f"<tr "
        f"data-sd='{d.summary.sd!r}'><td>{study.swatch(d.line, f'{d.line.name} − {d.base.name}')[1]}</td>"
        f'<td class="num">{d.batch_size}</td><td class="num">{d.summary.sd:.2f}</td>'
        '<td class="num" data-out="half"></td><td class="num" data-out="power"></td></tr>'
        for d in known
    )
    return f"""<h3>How many seeds would it take?</h3>
<div class="controls" data-calculator="{escape(key)}">
<span class="check">Seeds for</span>{half}{power}{effect}</div>
<div class="scroll" tabindex="0" role="region" aria-label="Seeds needed"><table data-seeds="{escape(key)}">
<caption>From the spread of the differences seen so far, itself uncertain with few seeds; t interval and
two-sided paired t test at 0.05</caption>
<thead><tr><th scope="col">Norm</th><th scope="col" class="num">Batch size</th>
<th scope="col" class="num">sd of differences</th><th scope="col" class="num">Seeds for the interval</th>
<th scope="col" class="num">Seeds for the power</th></tr></thead><tbody>{rows}</tbody></table></div>"""


def seeds_data(study: Study) -> dict[str, list[dict[str, dict[str, int | None]]]]:
    """What the calculator looks up: key -> a row per difference -> choice -> seeds, None above 1,000."""
    found = {}
    for panel in study.compared:
        rows = [_needed(d.summary.sd) for d in study.differences[panel] if d.summary.n > 1]
        if rows:
            found[f"gaps-{study.index(panel)}"] = rows
    return found


def _needed(sd: float) -> dict[str, dict[str, int | None]]:
    return {
        "half": {str(w): paired.seeds_for_half_width(sd, w) for w in HALF_WIDTHS},
        "power": {f"{p}|{e}": paired.seeds_for_power(sd, e, p) for p in POWERS for e in EFFECTS},
    }


# -- claims ------------------------------------------------------------------------------------------


def claim_section(study: Study) -> Section | None:
    """The study's claims as estimates; None where no panel has two batch sizes."""
    body = "".join(
        _claims(panel, cells, study) for panel, cells in study.compared.items() if claims.rises(cells)
    )
    if not body:
        return None
    lede = (
        '<p class="lede">Wu &amp; He (2018) make three claims with one figure: below some batch size group '
        "norm is "
        "better; batch norm’s error rises as batches shrink; group norm’s stays constant. Here each is a "
        "number.</p>"
    )
    return Section("claims", "Claims", "The study’s claims, as numbers", lede + body)


def _claims(panel: Panel, cells: Sequence[Cell], study: Study) -> str:
    names = short_names([cell.line for cell in cells])
    heading = f"<h3>{escape(study.name(panel))}</h3>" if len(study.compared) > 1 else ""
    by_line: dict[Any, list[Difference]] = {}
    for d in study.differences[panel]:
        by_line.setdefault(d.line, []).append(d)
    facts = [
        crossover_sentence(turn, names[line], names[found[0].base])
        for line, found in by_line.items()
        if (turn := crossover_of([d for d in found if d.values]))
    ]
    facts += [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, study.margin)]
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    note = (
        '<p class="note">Crossover: linear between batch sizes on the log₂ axis, percentile bootstrap over '
        "whole seeds. "
        "Constancy: two one-sided t tests for every pair of batch sizes; the claim needs all of them "
        "(intersection–union), so the largest p counts.</p>"
    )
    return f'{heading}<ul class="facts">{listed}</ul>{_rise_table(cells, study)}{note}'


def _rise_table(cells: Sequence[Cell], study: Study) -> str:
    columns = (
        Column("line", "Norm"),
        Column("from", "From batch size", True),
        Column("to", "to", True),
        Column("n", "n", True),
        Column("mean", "Error rises by", True),
        Column("ci", "95% CI (t)", True),
    )
    rows = [
        [
            study.swatch(r.line),
            r.largest,
            r.smallest,
            r.summary.n,
            (r.summary.mean, signed(r.summary.mean, 2)),
            _interval(r.summary.interval.low, r.summary.interval.high),
        ]
        for r in claims.rises(cells)
    ]
    return markup.table(
        columns, rows, "Rise in error from the largest to the smallest batch, in points, paired by seed"
    )
