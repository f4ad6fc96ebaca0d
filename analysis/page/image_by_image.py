"""The section on what the images leave open, and on where norms disagree, image by image."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Place, Section, Shown
from analysis.plots import churn
from analysis.plots.theme import Json
from analysis.stats.estimate import Estimate
from analysis.stats.image_by_image import (
    CellAnswers,
    ImageByImage,
    PairAnswers,
    image_by_image,
)
from analysis.stats.intervals import CI, PERCENT
from analysis.stats.line import Line, short_names
from analysis.stats.panel import Panel
from analysis.stats.two_way import Uncertainty
from analysis.study import Study
from analysis.words.image_by_image import image_sentences
from analysis.words.numbers import decimals, signed_interval


class PanelView(NamedTuple):
    """One panel. `number`: in the page; `maps`: places of the maps of churn; `pairs` and `churns`: None where
    there are no two lines to compare."""

    number: int
    heading: str | None
    facts: list[str]
    cells: Markup
    pairs: Markup | None
    maps: list[Place]
    churns: Markup | None


def section(study: Study) -> Section | None:
    """None where what networks answer, or what is right, was not kept."""
    views: list[PanelView] = []
    figures: dict[str, Json] = {}
    for panel, own in study.judgements.items():
        compared = [(d.line, d.base, d.x) for d in study.differences[panel]]
        found = image_by_image(study.panels[panel], compared, own.labels, own.read)
        if found.cells:
            drawn = _maps(found, panel, study)
            figures |= {place.key: figure for place, figure in drawn}
            places = [place for place, _ in drawn]
            views.append(_view(panel, found, study, places, alone=len(study.judgements) == 1))
    if not views:
        return None
    body = html.render("image_by_image", panels=views)
    return Section("images", "Images", "Image by image", body, figures=figures)


def _view(panel: Panel, found: ImageByImage, study: Study, maps: list[Place], *, alone: bool) -> PanelView:
    names = short_names([cell.line for cell in study.panels[panel]])
    return PanelView(
        study.index(panel),
        None if alone else study.name(panel),
        image_sentences(found, panel.x, names),
        _cells(found.cells, panel, study),
        _pairs(found.pairs, panel, study) if found.pairs else None,
        maps,
        _churns(found.pairs, panel, study) if found.pairs else None,
    )


# -- tables ------------------------------------------------------------------------------------------

_ERRORS = (
    Column("seeds", "SE over seeds", True, 2),
    Column("images", "images", True, 2),
    Column("se-both", "both", True, 2),
)


def _cells(cells: Sequence[CellAnswers], panel: Panel, study: Study) -> Markup:
    columns = (
        *html.place(panel),
        Column("n", "n", True),
        Column("mean", "Error %", True, 2),
        Column("over-seeds", f"{CI} over seeds", True),
        Column("over-both", "for new images", True),
        *_ERRORS,
        Column("churn", "Churn %", True, 1),
    )
    rows = [
        [
            html.swatch(study, cell.line),
            html.axis_value(cell.x),
            cell.n,
            cell.error.seeds.mean,
            *(_percent(one) for one in (cell.error.seeds, cell.error.both)),
            *_standard_errors(cell.error),
            cell.churn,
        ]
        for cell in cells
    ]
    caption = (
        "Error after the last epoch in percent, its interval over seeds for these images, and for new "
        "networks on new images. SE: standard errors in points. Churn: on what share of the images two "
        "networks disagree that differ in the seed alone"
    )
    return html.table(columns, rows, caption)


def _percent(s: Estimate) -> Shown | None:
    interval = s.interval.cut(PERCENT)
    return Shown(interval.low, f"{interval.low:.2f} to {interval.high:.2f}") if interval.known else None


def _standard_errors(error: Uncertainty) -> tuple[float, float, float]:
    return error.seeds.error, error.images.error, error.both.error


def _pairs(pairs: Sequence[PairAnswers], panel: Panel, study: Study) -> Markup:
    columns = (
        *html.place(panel),
        Column("n", "Pairs", True),
        Column("difference", f"Difference ({CI} over seeds)"),
        Column("both", "for new images"),
        *_ERRORS,
        Column("mcnemar", "McNemar", True),
    )
    rows = [
        [
            *_head(pair, study),
            pair.n,
            html.points(pair.error.seeds),
            _ends(pair.error.both),
            *_standard_errors(pair.error),
            Shown(pair.apart / pair.n, f"{pair.apart} of {pair.n}"),
        ]
        for pair in pairs
    ]
    caption = (
        "Differences in points of error after the last epoch, paired by seed and by image, each by itself; "
        "SE: standard errors. McNemar: of how many seeds the exact test finds the two networks apart, "
        "uncorrected: it speaks of two networks, not of two norms (Dietterich 1998)"
    )
    return html.table(columns, rows, caption)


def _ends(s: Estimate) -> Shown | None:
    if not s.interval.known:
        return None
    return Shown(s.interval.low, signed_interval(s.interval, max(2, decimals(s.interval))))


def _head(pair: PairAnswers, study: Study) -> tuple[Shown, object]:
    return html.swatch(study, pair.line, f"{pair.line.name} − {pair.base.name}"), html.axis_value(pair.x)


def _churns(pairs: Sequence[PairAnswers], panel: Panel, study: Study) -> Markup:
    columns = (
        *html.place(panel),
        Column("n", "Pairs", True),
        Column("ours", "Within the first", True, 1),
        Column("theirs", "within the second", True, 1),
        Column("between", "between", True, 1),
        Column("same", "between, same seed", True, 1),
        Column("above", "Between − within"),
    )
    rows = [
        [
            *_head(pair, study),
            pair.n,
            *(pair.churn.ours, pair.churn.theirs, pair.churn.between, pair.churn.same),
            html.points(pair.churn.above),
        ]
        for pair in pairs
    ]
    caption = (
        "Churn in percent: on what share of the images two networks disagree (Milani Fard et al. 2016), a "
        f"mean over pairs of different seeds. Between − within: in points, beside the mean of both norms’ "
        f"own, {CI} over seeds for these images (U-statistic, jackknife)"
    )
    return html.table(columns, rows, caption)


# -- the maps ----------------------------------------------------------------------------------------


def _maps(found: ImageByImage, panel: Panel, study: Study) -> list[tuple[Place, Json]]:
    names: Mapping[Line, str] = short_names([cell.line for cell in study.panels[panel]])
    most = churn.highest(found.maps)
    return [
        (
            Place(
                f"churn-{study.index(panel)}-{end}",
                f"On what share of the images two networks disagree at {panel.x.at(one.x)}",
                f"At {panel.x.at(one.x)}: percent of the images on which two networks with different seeds "
                "disagree; on the diagonal, of one line.",
            ),
            churn.drawing(one, dict(names), most),
        )
        for end, one in enumerate(found.maps)
    ]
