"""The section on the study's claims, each as a number."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.stats import claims
from analysis.stats.axes import BATCH_SIZE, XAxis
from analysis.stats.cells import Cell
from analysis.stats.crossover import crossover_of
from analysis.stats.differences import by_pair
from analysis.stats.equivalence import EQUIVALENCE_CI
from analysis.stats.estimate import Estimate
from analysis.stats.interaction import Interaction, interactions
from analysis.stats.intervals import CI, CONFIDENCE_LABEL
from analysis.stats.line import short_names
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.claims import (
    constancy_sentence,
    crossover_sentence,
    interaction_sentence,
    margin_origin,
)
from analysis.words.headline import headline
from analysis.words.numbers import p_value, signed, signed_interval
from analysis.words.pairing import test_name
from model.axis import Value


class PanelView(NamedTuple):
    """One panel's claims, `number` being the panel's in the page: sentences, how the differences change from
    the largest to the smallest batch (None without two lines), and how far each line rises. `axis`: what
    lines run over; `paired`: whether within seeds; `sequential`: whether a rule added seeds; `equivalence`:
    the level of the interval by which errors are constant."""

    number: int
    heading: str | None
    axis: XAxis
    paired: bool
    sequential: bool
    equivalence: str
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
        "claims",
        panels=panels,
        batch_size=panels[0].axis == BATCH_SIZE,
        margin=margin_origin(chosen),
    )
    return Section("claims", "Claims", "The study’s claims, as numbers", body)


def _view(panel: Panel, cells: Sequence[Cell], study: Study) -> PanelView:
    names = short_names([cell.line for cell in cells])
    choices = study.choices[panel]
    changes = interactions(study.differences[panel])
    facts = [
        f"{title[:-1]} ({detail})."
        for title, detail in (interaction_sentence(i, names[i.line], names[i.base]) for i in changes)
    ]
    facts += [
        crossover_sentence(crossover, names[line], names[base])
        for (line, base), differences in by_pair(study.differences[panel]).items()
        if (crossover := crossover_of(differences))
    ]
    facts += [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, choices)]
    told = _told(panel, cells, study)
    return PanelView(
        number=study.index(panel),
        heading=study.name(panel) if len(study.compared) > 1 else None,
        axis=panel.x,
        paired=choices.paired,
        sequential=study.sequential(panel),
        equivalence=CONFIDENCE_LABEL if study.sequential(panel) else EQUIVALENCE_CI.removesuffix(" CI"),
        facts=[fact for fact in facts if fact not in told],
        interactions=_interaction_table(changes, study, panel) if changes else None,
        rises=_rise_table(claims.rises(cells, choices), study, panel),
    )


def _told(panel: Panel, cells: Sequence[Cell], study: Study) -> set[str]:
    """What the first screen says of the panel: of one among several, its headline alone."""
    said = headline(panel, cells, study.differences[panel], study.choices[panel])
    return {said.as_sentence, *(said.facts if len(study.compared) == 1 else ())}


def _interaction_table(changes: Sequence[Interaction], study: Study, panel: Panel) -> Markup:
    test = test_name(paired=study.choices[panel].paired, sequential=study.sequential(panel))
    columns = (
        Column("line", "Lines" if panel.roles.more else "Norms"),
        *_ends(panel),
        Column("mean", "Change of the difference", True),
        Column("ci", f"{CI} ({test})", True),
        Column("p", f"p ({test})", True),
        Column("p_holm", "Holm", True),
    )
    rows = [
        [
            html.swatch(study, i.line, f"{i.line.name} − {i.base.name}"),
            *_estimate(i.first, i.last, i.estimate),
            *(Shown(p, p_value(p)) for p in (i.estimate.p, i.p_holm)),
        ]
        for i in changes
    ]
    return html.table(columns, rows, f"Change of the difference {_from_to(study, panel)}")


def _rise_table(rises: Sequence[claims.Rise], study: Study, panel: Panel) -> Markup:
    test = test_name(paired=study.choices[panel].paired, sequential=study.sequential(panel))
    columns = (
        Column("line", "Line" if panel.roles.more else "Norm"),
        *_ends(panel),
        Column("mean", "Change in error", True),
        Column("ci", f"{CI} ({test})", True),
    )
    rows = [[html.swatch(study, r.line), *_estimate(r.first, r.last, r.estimate)] for r in rises]
    return html.table(columns, rows, f"Change in error {_from_to(study, panel)}")


def _ends(panel: Panel) -> tuple[Column, Column, Column]:
    return Column("from", f"From {panel.x.word}", True), Column("to", "to", True), Column("n", "n", True)


def _estimate(first: Value, last: Value, e: Estimate) -> list[object]:
    return [
        html.axis_value(first),
        html.axis_value(last),
        Shown(e.fewest, ", ".join(map(str, e.n))),
        Shown(e.mean, signed(e.mean, 2)),
        Shown(e.interval.low, signed_interval(e.interval, 2)),
    ]


def _from_to(study: Study, panel: Panel) -> str:
    how = "paired by seed" if study.choices[panel].paired else "independent runs"
    ends = "from the largest to the smallest batch" if panel.x == BATCH_SIZE else panel.x.ends
    return f"{ends}, in points of {html.measured(study, panel)}, {how}"
