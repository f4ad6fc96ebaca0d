"""The section with what stored networks were asked, and with where batch norm's error comes from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.sources.predictions import image_by_image
from analysis.stats.cells import Cell
from analysis.stats.decomposition import Answers, Part, Question, parts
from analysis.stats.generalisation import gaps
from analysis.stats.intervals import CI
from analysis.stats.line import short_names
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.decomposition import decomposition_sentences
from analysis.words.generalisation import gap_sentences
from model.norm_table import STATISTICS

#: Split -> what a heading calls its images.
_IMAGES = {"test": "test images", "validation": "validation images", "train": "training images"}
_SPLITS = (*_IMAGES, "images")
_HEADS = {"population": "running", "batch": "each batch’s own", "precise": "precise"}


class PanelView(NamedTuple):
    """One panel. `facts`: sentences; `parts`: the decomposition, None where networks were not asked by both
    running and precise statistics; `levels`: all answers."""

    heading: str | None
    facts: list[str]
    parts: Markup | None
    levels: Markup


def section(study: Study) -> Section | None:
    """None where no stored network was evaluated."""
    if study.evaluations.empty:
        return None
    given = study.answers
    asked = [panel for panel in study.panels if any(panel in cells for cells in given.values())]
    views = [_view(panel, given, study, alone=len(asked) == 1) for panel in asked]
    if not views:
        return None
    decomposed = any(view.parts for view in views)
    title = "Where batch norm’s error comes from" if decomposed else "What the stored networks answer"
    unlabelled = not study.judgements and bool(image_by_image(study.evaluations).any())
    body = html.render("evaluations", panels=views, decomposed=decomposed, unlabelled=unlabelled)
    return Section("evaluations", "Evaluations", title, body)


def _view(panel: Panel, given: Answers, study: Study, *, alone: bool) -> PanelView:
    own = parts(panel, given, paired=study.choices[panel].paired)
    names = short_names([cell.line for cell in study.panels[panel]])
    return PanelView(
        None if alone else study.name(panel),
        [
            *decomposition_sentences(own, panel.x, names),
            *gap_sentences(gaps(panel, given), panel.x, names, panel.judged),
        ],
        _parts(own, panel, study) if own else None,
        _levels(panel, given, study),
    )


def _parts(own: Sequence[Part], panel: Panel, study: Study) -> Markup:
    columns = (
        *html.place(panel),
        Column("n", "n", True),
        Column("gap", "Running − precise"),
        Column("rise", "Rise"),
        Column("evaluation", "by evaluation"),
        Column("training", "by training"),
    )
    rows = []
    for part in own:
        rise = part.rise
        changes = (rise.whole, rise.evaluation, rise.training) if rise else (None, None, None)
        rows.append(
            [
                html.swatch(study, part.line),
                html.axis_value(part.x),
                part.gap.fewest,
                *map(html.points, (part.gap, *changes)),
            ]
        )
    caption = (
        f"In points of error, {CI} in brackets, each by itself. Rise: since the largest batch size, by "
        "running statistics. By evaluation: of that, what goes when statistics are measured anew; by "
        "training: the change that is left then"
    )
    return html.table(columns, rows, caption)


def _levels(panel: Panel, given: Answers, study: Study) -> Markup:
    """The mean error of each cell in every way that its networks were asked."""
    asked = sorted((q for q, cells in given.items() if panel in cells), key=_order)
    by_place = {
        question: {(cell.line, cell.x): cell for cell in given[question][panel]} for question in asked
    }
    places = dict.fromkeys((cell.line, cell.x) for cell in study.panels[panel])
    between = gaps(panel, given)
    rows = []
    for line, x in places:
        found = [by_place[question].get((line, x)) for question in asked]
        if any(found):
            n = max(len(cell.last) for cell in found if cell)
            row = [html.swatch(study, line), html.axis_value(x), n, *map(_mean, found)]
            if between:
                gap = between.get((line, x))
                row.append(html.points(gap.difference if gap else None))
            rows.append(row)
    columns = (
        *html.place(panel),
        Column("n", "n", True),
        *(Column(f"asked-{i}", name) for i, name in enumerate(_heads(asked, given))),
        *([Column("gap", f"{panel.judged.capitalize()} − training, points")] if between else []),
    )
    caption = f"Mean error in percent over the networks that were evaluated, {CI} over seeds in brackets"
    if _several(given):
        caption += ", by which statistics"
    if between:
        caption += f". {panel.judged.capitalize()} − training: the generalisation gap, within each network"
    return html.table(columns, rows, caption)


def _order(question: Question) -> tuple[int, str, int]:
    return _SPLITS.index(question.split), question.data, STATISTICS.index(question.statistics)


def _heads(asked: Sequence[Question], given: Mapping[Question, object]) -> Iterable[str]:
    """What each column is of; statistics are named where networks were asked by several."""
    several = _several(given)
    for question in asked:
        images = _IMAGES.get(question.split) or f"other images ({question.data[:6]})"
        head = f"{images}, {_HEADS[question.statistics]}" if several else images
        yield head[:1].upper() + head[1:]


def _several(given: Mapping[Question, object]) -> bool:
    """Whether networks were asked by other statistics than their running ones."""
    return any(question.statistics != "population" for question in given)


def _mean(cell: Cell | None) -> Shown | None:
    if cell is None or not cell.last:
        return None
    s = cell.summary()
    text = f"{s.mean:.2f}"
    return Shown(
        s.mean, f"{text} ({s.interval.low:.2f} to {s.interval.high:.2f})" if s.interval.known else text
    )
