"""The section on equal budgets: the search of each cell, and whether the conclusion survives it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Place, Section, Shown
from analysis.plots import equal_budgets as figures
from analysis.plots import palette
from analysis.plots.theme import Json
from analysis.stats.axes import axis_named, word
from analysis.stats.best_groups import BestGroups, confidence
from analysis.stats.equal_budgets import EqualBudgets, Kept
from analysis.stats.estimate import Estimate, contrast
from analysis.stats.intervals import CI, FEWEST_VALUES
from analysis.stats.line import short_names
from analysis.stats.panel import Panel
from analysis.stats.searched import Searched
from analysis.stats.tuning import edges, may_win
from analysis.study import Study
from analysis.words.equal_budgets import VERDICTS, budgets_headline
from analysis.words.headline import Headline
from analysis.words.numbers import decimals, signed, signed_interval


class BudgetsView(NamedTuple):
    """One panel's. `height`: of the search's figure, in pixels; `lines`: None where no trial has ended."""

    heading: str
    facts: list[str]
    search: Place
    height: int
    lines: Place | None
    cells: Markup
    kept: Markup | None


def section(study: Study) -> Section | None:
    """None where nothing was searched."""
    if not study.budgets:
        return None
    views: list[BudgetsView] = []
    drawn: dict[str, Json] = {}
    for number, found in enumerate(study.budgets):
        view, own = _view(study, found, f"{number}-{study.measure}")
        views.append(view)
        drawn |= own
    axis = study.budgets[0].panel.x.one
    body = html.render("equal_budgets", panels=views, axis=axis)
    return Section(
        "equal-budgets", "Equal budgets", "Equal budgets: each norm tuned by itself", body, figures=drawn
    )


def answers(study: Study) -> list[Headline]:
    """What there is to say of each panel."""
    return [budgets_headline(found) for found in study.budgets]


def _view(study: Study, found: EqualBudgets, key: str) -> tuple[BudgetsView, dict[str, Json]]:
    said = budgets_headline(found)
    styles = palette.styles(found.lines) | {k: v for k, v in study.styles.items() if k in found.lines}
    search, height = figures.search_figure(found, styles)
    drawn = {f"search-{key}": search}
    lines = None
    if any(cell.tuned and cell.tuned.errors() for cell in found.cells):
        drawn[f"tuned-{key}"] = figures.lines_figure(found, styles)
        lines = Place(
            f"tuned-{key}", f"Error over {found.panel.x.word}, tuned and at the common recipe", _LINES_NOTE
        )
    view = BudgetsView(
        panel_name(study, found.panel) if len(study.budgets) > 1 else "",
        [said.as_sentence, *said.facts],
        Place(f"search-{key}", _search_label(found), _search_note(found)),
        height,
        lines,
        _cells(found, study),
        _kept_table(found, study),
    )
    return view, drawn


def panel_name(study: Study, panel: Panel) -> str:
    return " · ".join(part for part in (panel.source if study.several else "", panel.title) if part)


_LINES_NOTE = (
    "Mean error over the final seeds. Drawn through: each cell with what its own search chose; dotted: all "
    "cells at the common recipe. The bar is the t interval of the mean."
)


def _search_label(found: EqualBudgets) -> str:
    axis = word(found.cells[0].axes[0])
    return f"Hold-out error over {axis}, a small figure for each {found.panel.x.word}"


def _search_note(found: EqualBudgets) -> str:
    held = max(cell.holdout for cell in found.cells)
    others = [word(name) for name in found.cells[0].axes[1:]]
    best = f" At each value the best {' and '.join(others)} is shown." if others else ""
    return (
        f"Mean error on {held:,} images held out of the training set, over the seeds of the search. The "
        f"ring is what was chosen.{best} The bar is the {CI} of the mean and may reach beyond the figure, as "
        "seeds are few; diverged trials are in no mean."
    )


# -- tables ------------------------------------------------------------------------------------------


def _cells(found: EqualBudgets, study: Study) -> Markup:
    """What was chosen in each cell, and what it does."""
    axes = list(dict.fromkeys(name for cell in found.cells for name in cell.axes))
    columns = (
        Column("line", "Norm"),
        Column("x", found.panel.x.label, found.panel.x.numeric),
        Column("budget", "Search", True),
        *(Column(name, f"{axis_named(name).label} chosen", True) for name in axes),
        Column("holdout", "Hold-out error %", True, 2),
        Column("lead", "Runner-up is worse by", True),
        Column("chance", "Chance of being best", True),
        Column("edge", "Edge"),
        Column("tuned", "Error tuned %", True, 2),
        Column("common", "At common recipe %", True, 2),
        Column("change", f"Tuned − common ({CI})", True),
    )
    caption = (
        "Each cell’s search and what it gives. The lead and the chance of being best are over the seeds of "
        "the search; errors in percent, differences in points, within a seed"
    )
    return html.table(columns, [_cell_row(cell, axes, study) for cell in found.cells], caption)


def _cell_row(cell: Searched, axes: Sequence[str], study: Study) -> list[object]:
    values, seeds = cell.budget
    head = [
        html.swatch(study, cell.line),
        html.axis_value(cell.x),
        Shown(values * seeds, f"{values} × {seeds}"),
    ]
    errors = [side.summary(study.measure).mean if side else None for side in (cell.tuned, cell.common)]
    if cell.place is None:
        return [*head, *(None for _ in axes), None, None, None, _state(cell), *errors, None]
    chosen = cell.candidates[cell.place]
    said = dict(chosen.values)
    best = _best(cell)
    edge = [f"{'largest' if up else 'smallest'} {word(n)}" for n, up in edges(cell.candidates, cell.place)]
    return [
        *head,
        *(html.axis_value(said.get(name)) for name in axes),
        math.fsum(chosen.errors.values()) / len(chosen.errors),
        _shown(best.lead) if best.lead else None,
        Shown(best.chances[cell.place], f"{best.chances[cell.place]:.0%}")
        if cell.place in best.chances
        else None,
        ", ".join(edge) or "inside",
        *errors,
        _gain(cell, study),
    ]


def _gain(cell: Searched, study: Study) -> Shown | None:
    """The tuned error minus that at the common recipe."""
    if cell.tuned is None or cell.common is None:
        return None
    both = [side.errors(study.measure) for side in (cell.tuned, cell.common)]
    return _shown(contrast(both, (1, -1), paired=True))


def _best(cell: Searched) -> BestGroups:
    """The chosen one beside the others; chances only where resamples of the seeds say something."""
    contenders = may_win(cell.candidates)
    best = confidence(contenders, np.random.default_rng(0))
    few = min(map(len, contenders.values())) < FEWEST_VALUES
    return best._replace(chances={}) if few else best


def _state(cell: Searched) -> str:
    wanting = sum(one.wanting for one in cell.candidates)
    return f"{wanting} trials to come" if wanting else "every value diverged"


def _kept_table(found: EqualBudgets, study: Study) -> Markup | None:
    """Each claim at the common recipe, among the tuned cells, and the change."""
    names, x = short_names(found.lines), found.panel.x
    rows = [
        [f"{names[d.line]} − {names[d.base]} at {x.at(d.x)}", *_kept_row(d.kept)] for d in found.differences
    ]
    rows += [[f"Rise of {names[r.line]}, {x.span(r.first, r.last)}", *_kept_row(r.kept)] for r in found.rises]
    rows += [
        [f"Interaction of {names[i.line]} − {names[i.base]}, {x.span(i.first, i.last)}", *_kept_row(i.kept)]
        for i in found.interactions
    ]
    if not rows:
        return None
    columns = (
        Column("what", "Claim"),
        Column("common", f"Common recipe ({CI})", True),
        Column("tuned", f"Tuned ({CI})", True),
        Column("change", f"Change by tuning ({CI})", True),
        Column("n", "n", True),
        Column("verdict", "Verdict"),
    )
    caption = (
        "What is claimed at the common recipe beside the same among the tuned cells, in points of error. A "
        "verdict goes by what either side claims by itself, differences and interactions after Holm’s "
        "correction; whether the two differ, the change says, each interval by itself"
    )
    return html.table(columns, rows, caption)


def _kept_row(kept: Kept) -> list[object]:
    estimates = [_shown(one) for one in (kept.common, kept.tuned, kept.change)]
    return [*estimates, kept.change.fewest, VERDICTS[kept.verdict]]


def _shown(one: Estimate) -> Shown | None:
    """“−2.1 (−3.0 to −1.2)”."""
    if not one.exists:
        return None
    digits = max(2, decimals(one.interval))
    return Shown(one.mean, f"{signed(one.mean, digits)} ({signed_interval(one.interval, digits)})")
