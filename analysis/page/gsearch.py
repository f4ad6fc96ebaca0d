"""The section on the search for G."""

from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Place, Section, Shown
from analysis.page.opening import search_figure
from analysis.plots import gsearch
from analysis.stats.intervals import CI
from analysis.study import Study
from analysis.words.search import best_of, search_headline

_COLUMNS = (
    Column("groups", "G", True),
    Column("n", "n", True),
    Column("mean", "Validation error %", True, 2),
    Column("low", f"{CI} from", True, 2),
    Column("high", "to", True, 2),
    Column("chance", "Chance of being best", True),
)


class SearchView(NamedTuple):
    """One search. `figure`: None where it stands on the first screen."""

    figure: Place | None
    facts: list[str]
    table: Markup


def section(study: Study) -> Section | None:
    """Each G search with the chance that each G is best; None where there is none."""
    if not study.searches:
        return None
    views, drawn = [], {}
    for index, search in enumerate(study.searches):
        place = search_figure(study, index)
        drawn[place.key] = gsearch.figure(search).to_plotly_json()
        answer = search_headline(search)
        facts = [answer.as_sentence, *answer.facts]
        first = not study.compared and not study.surfaces
        views.append(SearchView(None if first else place, facts, _table(search)))
    body = html.render("gsearch", searches=views)
    return Section("gsearch", "G search", "The search for G", body, figures=drawn)


def _table(search: gsearch.GSearchInfo) -> Markup:
    best = best_of(search)
    chances = best.chances if best else {}
    rows = [
        [p.groups, len(p.values), p.mean, p.low, p.high,
         Shown(chances[p.groups], f"{chances[p.groups]:.0%}") if p.groups in chances else None]
        for p in search.points
    ]  # fmt: skip
    return html.table(_COLUMNS, rows, "The search by G")
