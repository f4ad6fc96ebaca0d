"""The section that asks whether what one panel shows holds in the others."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.stats.cells import Cell
from analysis.stats.elsewhere import Elsewhere, best, elsewhere, orders, together
from analysis.stats.line import Line, short_names
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.choices import claim_words, outcome_words
from analysis.words.elsewhere import axes_words, holds_sentence, order_words
from analysis.words.names import sentence_case


class GroupView(NamedTuple):
    """Panels that differ in one thing. `claims`: None where none of them compares two lines or x; `orders`
    and `bests`: None with one line."""

    heading: str | None
    answer: str
    claims: Markup | None
    orders: Markup | None
    bests: Markup | None


def section(study: Study) -> Section | None:
    """Claims, orders and best values over the panels; None where panels do not differ in an axis that the
    study varies."""
    groups = together(study.compared, study.varied)
    views = [_view(group, study, alone=len(groups) == 1) for group in groups]
    if not views:
        return None
    what = axes_words(study.varied)
    body = html.render("elsewhere", groups=views, what=what)
    return Section("elsewhere", "Elsewhere", f"Does it hold at every {what}?", body)


def held_by(group: Sequence[Panel], study: Study) -> Elsewhere:
    """The claims of panels that differ in `study.varied` alone."""
    return elsewhere(group, study.outcomes)


def names_in(group: Sequence[Panel], study: Study) -> dict[Line, str]:
    """Short names that tell the lines of all panels of `group` apart."""
    return short_names([cell.line for panel in group for cell in study.compared[panel]])


def _view(group: Sequence[Panel], study: Study, *, alone: bool) -> GroupView:
    held, names = held_by(group, study), names_in(group, study)
    heading = None if alone else group[0].title_without(study.varied)
    several = len(names) > 1
    return GroupView(
        heading=heading,
        answer=holds_sentence(held, study.varied, names) if held.claims else "",
        claims=_claims(held, study, names) if held.claims else None,
        orders=_orders(group, study, names) if several else None,
        bests=_bests(group, study) if several else None,
    )


def _panel_columns(group: Sequence[Panel], study: Study) -> list[Column]:
    return [Column(f"panel-{i}", sentence_case(panel.named(study.varied))) for i, panel in enumerate(group)]


def _claims(held: Elsewhere, study: Study, names: Mapping[Line, str]) -> Markup:
    rows = []
    for claim, found in held.claims.items():
        moved = held.moved(claim)
        cells = []
        for panel in held.panels:
            words = outcome_words(claim, found[panel], names) if panel in found else "–"
            cells.append(Shown(words, f"≠ {words}" if panel in moved else words))
        rows.append([html.swatch(study, claim.line, claim_words(claim, names)), *cells])
    caption = (
        "Each column by itself, corrected within it, in points of error, of constancy the smallest margin "
        "that passes; ≠ where the answer is another than in the first column"
    )
    return html.table((Column("claim", "Claim"), *_panel_columns(held.panels, study)), rows, caption)


def _orders(group: Sequence[Panel], study: Study, names: Mapping[Line, str]) -> Markup:
    """The order of the lines at each x, panel by panel."""
    axis = group[0].x
    by_panel = {panel: orders(study.compared[panel], study.measure) for panel in group}
    rows = []
    for x in axis.ordered(x for own in by_panel.values() for x in own):
        found = [by_panel[panel].get(x) for panel in group]
        first = next(order for order in found if order)
        words = [order_words(order, names) if order else "–" for order in found]
        rows.append(
            [
                html.axis_value(x),
                *(
                    Shown(word, f"≠ {word}" if order and order != first else word)
                    for order, word in zip(found, words, strict=True)
                ),
            ]
        )
    caption = (
        "The order of mean errors, the lowest first; ≠ where it is another than in the first column. An "
        "order of means is no claim: neighbours may be alike"
    )
    columns = (Column("x", axis.label, axis.numeric), *_panel_columns(group, study))
    return html.table(columns, rows, caption)


def _bests(group: Sequence[Panel], study: Study) -> Markup:
    """Each line where its mean error is lowest."""
    axis = group[0].x
    cells = [cell for panel in group for cell in study.compared[panel]]
    lines = sorted({cell.line for cell in cells}, key=lambda line: line.order)
    found = best(cells, study.measure)
    rows = [
        [
            html.axis_value(x),
            *(_best(found[x][line], study) if line in found[x] else None for line in lines),
        ]
        for x in axis.ordered(found)
    ]
    columns = (
        Column("x", axis.label, axis.numeric),
        *(Column(f"line-{i}", line.name) for i, line in enumerate(lines)),
    )
    caption = (
        f"Each line at its own best {axes_words(study.varied)}: the lowest mean "
        f"{html.measured(study, *group)} in percent. The lowest of several is too good on average, "
        "the more so the more were tried"
    )
    return html.table(columns, rows, caption)


def _best(cell: Cell, study: Study) -> Shown:
    mean = cell.summary(study.measure).mean
    return Shown(mean, f"{mean:.2f} ({cell.panel.named(study.varied)})")
