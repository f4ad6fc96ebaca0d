"""The section that sets the page's claims side by side under other choices than its own."""

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.stats.line import Line, short_names
from analysis.stats.outcomes import Claim, Outcome, alternatives, constancies, outcomes
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.choices import choice_words, claim_words, dependence_sentence, outcome_words


class PanelView(NamedTuple):
    """One panel's claims under every choice. `number`: the panel's in the page; `answer`: whether any depends
    on one."""

    number: int
    heading: str | None
    answer: str
    table: Markup


def section(study: Study) -> Section | None:
    """The claims of every panel by choice; None where there is nothing to claim."""
    views = [view for panel in study.compared if (view := _view(panel, study)) is not None]
    if not views:
        return None
    body = html.render("robustness", panels=views)
    return Section("robustness", "Choices", "Does it depend on our choices?", body)


def _view(panel: Panel, study: Study) -> PanelView | None:
    cells, own = study.compared[panel], study.choices[panel]
    reported = study.outcomes[panel]
    if not any(outcome.verdict != "no interval" for outcome in reported.values()):
        return None
    added = any(cell.sequential for cell in cells)  # then the margin has a say in differences too
    others = {
        c: outcomes(cells, c) if c.margin == own.margin or added else constancies(cells, c)
        for c in alternatives(cells, own)
    }
    by_words = {choice_words(c, own): found for c, found in others.items()}
    names = short_names([cell.line for cell in cells])
    rows = [
        [
            html.swatch(study, claim.line, claim_words(claim, names)),
            outcome_words(claim, reported[claim], names),
            *(_cell(claim, found, reported[claim], names) for found in others.values()),
        ]
        for claim in reported
    ]
    columns = (
        Column("claim", "Claim"),
        Column("reported", "As on this page"),
        *(Column(f"choice-{i}", name) for i, name in enumerate(by_words)),
    )
    heading = study.name(panel) if len(study.compared) > 1 else None
    answer = dependence_sentence(reported, by_words, names)
    caption = (
        "In points of error; for constancy, the smallest margin that passes; ≠ if a choice changes the "
        "answer, – if it does not apply"
    )
    return PanelView(study.index(panel), heading, answer, html.table(columns, rows, caption))


def _cell(
    claim: Claim, found: Mapping[Claim, Outcome], reported: Outcome, names: Mapping[Line, str]
) -> Shown:
    if claim not in found:
        return Shown("", "–")
    words = outcome_words(claim, found[claim], names)
    return Shown(words, f"≠ {words}" if found[claim].verdict != reported.verdict else words)
