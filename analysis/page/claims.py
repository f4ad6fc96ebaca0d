"""The section on the study's claims, each as a number."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.stats import claims
from analysis.stats.cells import Cell, Line, Panel, short_names
from analysis.stats.crossover import crossover_of
from analysis.stats.differences import Difference
from analysis.stats.interaction import Interaction, interactions
from analysis.stats.intervals import CI
from analysis.study import Study
from analysis.words.claims import constancy_sentence, crossover_sentence, interaction_sentence
from analysis.words.numbers import p_value, signed, signed_interval

_RISES = (
    Column("line", "Norm"),
    Column("from", "From batch size", True),
    Column("to", "to", True),
    Column("n", "n", True),
    Column("mean", "Change in error", True),
    Column("ci", f"{CI} (t)", True),
)
_INTERACTIONS = (
    Column("line", "Norms"),
    *_RISES[1:4],
    Column("mean", "Change of the difference", True),
    Column("ci", f"{CI} (t)", True),
    Column("p", "p (t test)", True),
    Column("p_holm", "Holm", True),
)


class PanelView(NamedTuple):
    """One panel's claims: sentences, how the differences change from the largest to the smallest batch
    (None without two lines), and how far each line rises."""

    heading: str | None
    facts: list[str]
    interactions: Markup | None
    rises: Markup


def section(study: Study) -> Section | None:
    """The study's claims as estimates; None where no panel has two batch sizes."""
    panels = [_view(panel, cells, study) for panel, cells in study.compared.items() if claims.rises(cells)]
    if not panels:
        return None
    return Section("claims", "Claims", "The study’s claims, as numbers", html.render("claims", panels=panels))


def _view(panel: Panel, cells: Sequence[Cell], study: Study) -> PanelView:
    names = short_names([cell.line for cell in cells])
    by_line: dict[Line, list[Difference]] = {}
    for d in study.differences[panel]:
        by_line.setdefault(d.line, []).append(d)
    changes = interactions(study.differences[panel])
    facts = [
        f"{title[:-1]} ({detail})."
        for title, detail in (interaction_sentence(i, names[i.line], names[i.base]) for i in changes)
    ]
    facts += [
        crossover_sentence(crossover, names[line], names[differences[0].base])
        for line, differences in by_line.items()
        if (crossover := crossover_of([d for d in differences if d.values]))
    ]
    facts += [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, study.margin)]
    heading = study.name(panel) if len(study.compared) > 1 else None
    table = _interaction_table(changes, study) if changes else None
    return PanelView(heading, facts, table, _rise_table(cells, study))


def _interaction_table(changes: Sequence[Interaction], study: Study) -> Markup:
    rows = [
        [
            html.swatch(study, i.line, f"{i.line.name} − {i.base.name}"),
            i.largest,
            i.smallest,
            i.summary.n,
            Shown(i.summary.mean, signed(i.summary.mean, 2)),
            Shown(i.summary.interval.low, signed_interval(i.summary.interval, 2)),
            *(Shown(p, p_value(p)) for p in (i.p, i.p_holm)),
        ]
        for i in changes
    ]
    caption = "Change of the difference from the largest to the smallest batch, in points, paired by seed"
    return html.table(_INTERACTIONS, rows, caption)


def _rise_table(cells: Sequence[Cell], study: Study) -> Markup:
    rows = [
        [
            html.swatch(study, r.line),
            r.largest,
            r.smallest,
            r.summary.n,
            Shown(r.summary.mean, signed(r.summary.mean, 2)),
            Shown(r.summary.interval.low, signed_interval(r.summary.interval, 2)),
        ]
        for r in claims.rises(cells)
    ]
    caption = "Change in error from the largest to the smallest batch, in points, paired by seed"
    return html.table(_RISES, rows, caption)
