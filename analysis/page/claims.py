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
from analysis.stats.equivalence import EQUIVALENCE_CI
from analysis.stats.estimate import Estimate
from analysis.stats.interaction import Interaction, interactions
from analysis.stats.intervals import CI
from analysis.study import Study
from analysis.words.claims import (
    constancy_sentence,
    crossover_sentence,
    interaction_sentence,
    margin_origin,
)
from analysis.words.numbers import p_value, signed, signed_interval
from analysis.words.pairing import TESTS

_SIZES = (Column("from", "From batch size", True), Column("to", "to", True), Column("n", "n", True))


class PanelView(NamedTuple):
    """One panel's claims: sentences, how the differences change from the largest to the smallest batch
    (None without two lines), and how far each line rises. `paired`: whether within seeds."""

    heading: str | None
    paired: bool
    facts: list[str]
    interactions: Markup | None
    rises: Markup


def section(study: Study) -> Section | None:
    """The study's claims as estimates; None where no panel has two batch sizes."""
    panels = [
        _view(panel, cells, study)
        for panel, cells in study.compared.items()
        if claims.rises(cells, study.choices[panel])
    ]
    if not panels:
        return None
    chosen = next(iter(study.choices.values())).margin
    body = html.render(
        "claims", panels=panels, equivalence=EQUIVALENCE_CI.removesuffix(" CI"), margin=margin_origin(chosen)
    )
    return Section("claims", "Claims", "The study’s claims, as numbers", body)


def _view(panel: Panel, cells: Sequence[Cell], study: Study) -> PanelView:
    names = short_names([cell.line for cell in cells])
    choices = study.choices[panel]
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
        if (crossover := crossover_of(differences))
    ]
    facts += [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, choices)]
    return PanelView(
        heading=study.name(panel) if len(study.compared) > 1 else None,
        paired=choices.paired,
        facts=facts,
        interactions=_interaction_table(changes, study, panel) if changes else None,
        rises=_rise_table(claims.rises(cells, choices), study, panel),
    )


def _interaction_table(changes: Sequence[Interaction], study: Study, panel: Panel) -> Markup:
    paired = study.choices[panel].paired
    columns = (
        Column("line", "Norms"),
        *_SIZES,
        Column("mean", "Change of the difference", True),
        Column("ci", f"{CI} ({TESTS[paired]})", True),
        Column("p", f"p ({TESTS[paired]})", True),
        Column("p_holm", "Holm", True),
    )
    rows = [
        [
            html.swatch(study, i.line, f"{i.line.name} − {i.base.name}"),
            *_estimate(i.largest, i.smallest, i.estimate),
            *(Shown(p, p_value(p)) for p in (i.estimate.p, i.p_holm)),
        ]
        for i in changes
    ]
    return html.table(columns, rows, f"Change of the difference {_from_to(study, panel)}")


def _rise_table(rises: Sequence[claims.Rise], study: Study, panel: Panel) -> Markup:
    paired = study.choices[panel].paired
    columns = (
        Column("line", "Norm"),
        *_SIZES,
        Column("mean", "Change in error", True),
        Column("ci", f"{CI} ({TESTS[paired]})", True),
    )
    rows = [[html.swatch(study, r.line), *_estimate(r.largest, r.smallest, r.estimate)] for r in rises]
    return html.table(columns, rows, f"Change in error {_from_to(study, panel)}")


def _estimate(largest: int, smallest: int, e: Estimate) -> list[object]:
    return [
        largest,
        smallest,
        Shown(e.fewest, ", ".join(map(str, e.n))),
        Shown(e.mean, signed(e.mean, 2)),
        Shown(e.interval.low, signed_interval(e.interval, 2)),
    ]


def _from_to(study: Study, panel: Panel) -> str:
    how = "paired by seed" if study.choices[panel].paired else "independent runs"
    return f"from the largest to the smallest batch, in points of {html.measured(study, panel)}, {how}"
