"""The first screen: the answer in words, Figure 1 beside it, and how far the sweep is."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import equal_budgets, group_rules, html
from analysis.page.elsewhere import held_by, names_in
from analysis.page.html import Place
from analysis.page.panels import precise_cells
from analysis.plots.gsearch import GSearchInfo
from analysis.plots.published import PUBLISHED, Published, others
from analysis.sources.frame import STATUSES, counted
from analysis.sources.load import Sweep
from analysis.stats.axes import BATCH_SIZE, axis_named, sort_key, value_text, word
from analysis.stats.cells import Cell
from analysis.stats.elsewhere import together
from analysis.stats.intervals import CONFIDENCE_LABEL, KINDS, SEQUENTIAL_KINDS
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.elsewhere import across_sentence, holds_sentence, main_claim
from analysis.words.headline import UNFINISHED, Headline, headline
from analysis.words.numbers import listed
from analysis.words.published import recognised_sentence
from analysis.words.roles import along_sentence
from analysis.words.search import search_headline
from analysis.words.stopping import stopping_sentences

STATUS_WORDS = {"done": "done", "diverged": "diverged", **UNFINISHED}
#: Warnings that the first screen shows of a sweep; more are counted.
WARNINGS = 5
#: As many figures stand side by side; of more, a reader chooses.
FEW = 4


class Figure1(NamedTuple):
    """The place of one panel's Figure 1. `number`: the panel's in the page; `answer`: what stands above it
    where there are several; `curves`: whether a click has learning curves to show; `paired`:
    whether a seed's runs are pairs; `note`: what a reader
    of the figure must know."""

    number: int
    name: str
    label: str
    answer: Markup | None
    curves: bool
    paired: bool
    note: str


class Publication(NamedTuple):
    """A box that switches a publication's lines on and off; `checked`: on from the start."""

    group: str
    source: str
    checked: bool


class Switches(NamedTuple):
    """What Figure 1 can show. `measures` and `kinds`: value -> name. `precise`: whether networks were judged
    by precise statistics."""

    measures: dict[str, str]
    kinds: dict[str, str]
    publications: list[Publication]
    precise: bool


class Alone(NamedTuple):
    """The answer of the only panel or search there is. `name`: what it is of, and by which measure."""

    name: str
    headline: Headline


class Progress(NamedTuple):
    """How far a sweep is. `counts`: status -> trials, of those that occur. `stopping`: by which rule seeds
    are added, and what that means for the page; empty where there is none."""

    words: str
    counts: dict[str, int]
    complete: bool
    warnings: list[str]
    stopping: str = ""


def opening(study: Study, *others: Study) -> Markup:
    """The first screen as HTML. `others`: the same results under other measures, to be switched to."""
    if study.panels and not any(cell.errors() for cells in study.panels.values() for cell in cells):
        return _render(study, title="No trial has finished yet.")
    studies = {one.measure: one for one in (study, *others)}
    panels = list(study.compared)
    if study.several or len(panels) > 1:
        title = f"{study.title}, side by side" if study.several else _experiments(study, len(panels))
        across = {measure: _across(one) for measure, one in studies.items()}
        figures = [_figure_1(study, p, _above(p, studies)) for p in panels]
        if all(across.values()):
            return _render(study, across=html.under_each(across), panels=figures)
        return _render(study, title=title, panels=figures)
    if panels:
        answer = html.under_each({measure: _answer(panels[0], one) for measure, one in studies.items()})
        return _render(study, answer=answer, panels=[_figure_1(study, panels[0])])
    if study.surfaces or study.searches:
        alone, place = _search(study)
        return _render(study, answer=html.render("answer", alone=alone), search=place)
    titles = [answer.title for answer in equal_budgets.answers(study)]
    return _render(study, title=next(iter(titles), "Nothing has been declared yet."))


def _search(study: Study) -> tuple[Alone, Place]:
    """The answer of a study that is nothing but a search for G, and its figure."""
    if study.surfaces:
        surface = study.surfaces[0]
        alone = Alone(group_rules.surface_name(study, surface), group_rules.answers(study)[0])
        return alone, group_rules.map_place(study, 0) or group_rules.line_places(study, 0)[0]
    search = study.searches[0]
    return Alone(study.name(search.panel), search_headline(search)), search_figure(study, 0)


def _across(study: Study) -> Markup:
    """What the first comparison comes to in every panel, where they differ in what the study varies; empty
    where they do not."""
    groups = [] if study.several else together(study.compared, study.varied)
    if len(groups) != 1:
        return Markup()
    held, names = held_by(groups[0], study), names_in(groups[0], study)
    main = main_claim(held)
    if main is None:
        return Markup()
    sentence = across_sentence(main, held.claims[main], study.varied, names)
    answer = holds_sentence(held, study.varied, names)
    name = " · ".join(part for part in (_experiments(study, len(groups[0])), study.shared_title) if part)
    return html.render("across", name=name, sentence=sentence, answer=answer)


def _answer(panel: Panel, study: Study) -> Markup:
    """The headline and facts of the only panel, by the study's own measure."""
    first = _headline(panel, study)
    of_searches = [
        *(answer.as_sentence for answer in equal_budgets.answers(study)),
        *(answer.as_sentence for answer in group_rules.answers(study)),
        *(search_headline(search).as_sentence for search in study.searches),
    ]
    name = " · ".join(part for part in (study.name(panel), _measure(panel, study)) if part)
    return html.render("answer", alone=Alone(name, first._replace(facts=(*first.facts, *of_searches))))


def _above(panel: Panel, studies: Mapping[str, Study]) -> Markup:
    """The headline above one of several figures, by measure."""
    return html.under_each(
        {
            measure: html.render("above", headline=_headline(panel, study), measure=_measure(panel, study))
            for measure, study in studies.items()
        }
    )


def _headline(panel: Panel, study: Study) -> Headline:
    return headline(panel, study.panels[panel], study.differences[panel], study.choices[panel])


def _measure(panel: Panel, study: Study) -> str:
    """Which error the words are about, where there is another that they could be about."""
    words = html.measured(study, panel)
    return "" if words == "error" else words


def _experiments(study: Study, count: int) -> str:
    return f"{study.title}: {count} experiments"


def _render(
    study: Study,
    *,
    title: str = "",
    across: Markup | None = None,
    answer: Markup | None = None,
    panels: list[Figure1] | None = None,
    search: Place | None = None,
) -> Markup:
    return html.render(
        "opening",
        title=title,
        across=across or Markup(),
        choosers=choosers(study),
        answer=answer,
        panels=panels,
        search=search,
        shown=_switches(study),
        sweeps=[_progress(sweep, study.several) for sweep in study.sweeps],
        status_words=STATUS_WORDS,
    )


# -- figures -----------------------------------------------------------------------------------------


def _figure_1(study: Study, panel: Panel, above: Markup | None = None) -> Figure1:
    per = listed(["norm", *map(word, panel.roles.more)]) if panel.roles.more else "norm"
    label = (
        f"{panel.measured().capitalize()} over {panel.x.word}, one line per {per}; "
        "the table of cells has the numbers"
    )
    said = (recognised_sentence(study.panels[panel]), along_sentence(panel))
    note = " ".join(sentence for sentence in said if sentence)
    paired = study.choices[panel].paired and len({cell.line for cell in study.panels[panel]}) > 1
    curves = study.sweep_of[panel].origin == "sweep"
    return Figure1(study.index(panel), study.name(panel), label, above, curves, paired, note)


def search_figure(study: Study, index: int) -> Place:
    """The place of the study's search number `index`."""
    search: GSearchInfo = study.searches[index]
    note = (
        f"{study.name(search.panel)}. Judged on {search.panel.holdout:,} images held out of the training "
        "set, at the last epoch; the test set took no part. Every seed is a dot, the bar is the "
        f"{CONFIDENCE_LABEL} t interval of the mean."
    )
    label = f"Validation error of {search.line.short} over G at {search.where}"
    return Place(f"gsearch-{index}", label, note)


def _switches(study: Study) -> Switches:
    names = {"last": "Last epoch", "median5": "Median of last 5"}
    measures = {measure: names[measure] for measure in study.measures}
    precise = any(precise_cells(panel, study) for panel in study.compared)
    kinds = SEQUENTIAL_KINDS if any(map(study.sequential, study.panels)) else KINDS
    return Switches(measures if len(measures) > 1 else {}, kinds, _publications(study.compared), precise)


def _publications(shown: dict[Panel, list[Cell]]) -> list[Publication]:
    """Those whose lines can be shown; on from the start where data set and network are the same."""
    if all(panel.holdout or panel.x != BATCH_SIZE for panel in shown):
        return []
    publications = []
    for source in dict.fromkeys(entry.source for entry in PUBLISHED):
        entry = next(entry for entry in PUBLISHED if entry.source == source)
        beside = {panel: cells for panel, cells in shown.items() if entry in others(cells)}
        own = any(_same(entry, panel, cells) for panel, cells in beside.items())
        if beside:
            publications.append(Publication(entry.group, source, own))
    return publications


def _same(entry: Published, panel: Panel, cells: list[Cell]) -> bool:
    """Whether a published line is of the panel's data set and network and shares a batch size with it."""
    sizes = {cell.x for cell in cells}
    return entry.matches(panel.dataset, panel.model) and not sizes.isdisjoint(entry.errors)


class Chooser(NamedTuple):
    """Which value of an axis the page shows. `values`: as text -> as text; `chosen`: at first, empty for
    all."""

    name: str
    label: str
    values: dict[str, str]
    chosen: str


def choosers(study: Study) -> list[Chooser]:
    """One for each axis that panels differ in and no figure shows; none where a few stand side by side."""
    if len(study.compared) <= FEW or not study.varied:
        return []
    first = next(iter(study.compared))
    return [
        Chooser(
            name,
            axis_named(name).label,
            {
                value_text(value): value_text(value)
                for value in sorted({panel[name] for panel in study.compared}, key=partial(sort_key, name))
            },
            value_text(first[name]),
        )
        for name in study.varied
    ]


# -- progress ----------------------------------------------------------------------------------------


def _progress(sweep: Sweep, named: bool) -> Progress:
    """How far the sweep is, with what was wrong with its files."""
    frame = counted(sweep.frame)
    statuses = frame["status"].value_counts().to_dict()
    counts = {status: int(statuses[status]) for status in STATUSES if statuses.get(status)}
    total, done = len(frame), counts.get("done", 0)
    name = f"{sweep.name}: " if named else ""
    if sweep.origin == "study":  # a row is a result; what was meant to run, nobody says
        return Progress(f"{name}{total:,} run{'' if total == 1 else 's'}", {}, True, list(sweep.warnings))
    others = len(sweep.frame) - total
    are = "other is" if others == 1 else "others are"
    more = f"; {others:,} {are} no longer declared, and left out of figures and tables" if others else ""
    words = f"{name}{done:,} of {total:,} trial{'' if total == 1 else 's'} done{more}"
    warnings = list(sweep.warnings[:WARNINGS])
    if len(sweep.warnings) > WARNINGS:
        warnings.append(f"and {len(sweep.warnings) - WARNINGS} more warnings")
    return Progress(words, counts, done >= total, warnings, stopping_sentences(sweep.plans))
