"""The section with the plan of the analysis, every version of it, and which claims it has."""

from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section
from analysis.sources.load import Sweep
from analysis.stats.line import short_names
from analysis.stats.panel import Panel
from analysis.stats.planned import planned
from analysis.study import Study
from analysis.words.choices import claim_words, outcome_words
from analysis.words.planned import PLANNED, plan_sentence, plan_words


class SweepView(NamedTuple):
    """One sweep's plans. `answer`: whether there was one in time; `claims`: of each panel, in turn."""

    heading: str | None
    answer: str
    versions: Markup
    claims: list[Markup]


def section(study: Study) -> Section | None:
    """None where nobody planned the analysis."""
    views = [_view(sweep, study) for sweep in study.sweeps if sweep.plans]
    if not views:
        return None
    body = html.render("planned", sweeps=views)
    return Section("planned", "Planned", "What was planned, and what was looked for afterwards", body)


def _view(sweep: Sweep, study: Study) -> SweepView:
    columns = (
        Column("written", "Written down"),
        Column("results", "Results by then", True),
        Column("plan", "Plan"),
        Column("sha256", "SHA-256"),
    )
    rows = [[v["written"], v["results"], plan_words(v["plan"]), v["sha256"][:12]] for v in sweep.plans]
    own = [panel for panel in study.compared if study.sweep_of[panel] is sweep and study.outcomes[panel]]
    return SweepView(
        sweep.name if study.several else None,
        plan_sentence(sweep.plans),
        html.table(columns, rows, "Every version of the plan in sweep.json, the last one last"),
        [_claims(panel, sweep, study) for panel in own],
    )


def _claims(panel: Panel, sweep: Sweep, study: Study) -> Markup:
    cells, choices = study.compared[panel], study.choices[panel]
    names = short_names([cell.line for cell in cells])
    rows = [
        [
            html.swatch(study, claim.line, claim_words(claim, names)),
            outcome_words(claim, outcome, names),
            PLANNED[planned(claim, sweep.plans, cells, choices)],
        ]
        for claim, outcome in study.outcomes[panel].items()
    ]
    columns = (Column("claim", "Claim"), Column("outcome", "As on this page"), Column("planned", "Planned"))
    name = f"{study.name(panel)}: " if len(study.compared) > 1 else ""
    return html.table(columns, rows, f"{name}the page’s claims, in points of error")
