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
from analysis.stats.intervals import CI
from analysis.study import Study
from analysis.words.claims import constancy_sentence, crossover_sentence
from analysis.words.numbers import signed, signed_interval

_RISES = (
    Column("line", "Norm"),
    Column("from", "From batch size", True),
    Column("to", "to", True),
    Column("n", "n", True),
    Column("mean", "Error rises by", True),
    Column("ci", f"{CI} (t)", True),
)


class PanelView(NamedTuple):
    """One panel's claims: sentences, and the table of how far each line rises."""

    heading: str | None
    facts: list[str]
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
    facts = [
        crossover_sentence(crossover, names[line], names[differences[0].base])
        for line, differences in by_line.items()
        if (crossover := crossover_of([d for d in differences if d.values]))
    ]
    facts += [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, study.margin)]
    heading = study.name(panel) if len(study.compared) > 1 else None
    return PanelView(heading, facts, _rise_table(cells, study))


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
    caption = "Rise in error from the largest to the smallest batch, in points, paired by seed"
    return html.table(_RISES, rows, caption)
