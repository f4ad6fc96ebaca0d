"""The sections that show the data: cells, learning curves, the G search, two sweeps side by side."""

from collections.abc import Sequence
from html import escape
from typing import Any

from analysis import tables
from analysis.page import hero, markup
from analysis.page.headline import signed
from analysis.page.markup import Column, Section
from analysis.plots import curves, figure1, gsearch
from analysis.stats import versus
from analysis.stats.cells import MEASURES, Cell, Panel
from analysis.stats.intervals import KINDS
from analysis.study import Study

_NAMES = {"source": "Sweep", "dataset": "Data set", "model": "Model", "shortcut": "Shortcut",
          "recipe": "Recipe", "epochs": "Epochs", "iterations": "Iterations",
          "holdout": "Held out"}  # fmt: skip


def panel_data(study: Study) -> list[dict[str, Any]]:
    """For each panel, the layers of its Figure 1 and its learning curves by batch size."""
    return [
        {"dataset": panel.dataset, **_figure1_layers(panel, cells, study), "curves": _curves(cells, study)}
        for panel, cells in study.panels.items()
    ]


def _figure1_layers(panel: Panel, cells: Sequence[Cell], study: Study) -> dict[str, Any]:
    """Every trace once, under the switches that change it, so that 16 figures cost hardly more than one."""
    layers: dict[str, list[Any]] = {}
    layouts: dict[str, Any] = {}
    for quantity in figure1.QUANTITIES:
        for measure in MEASURES:
            for kind in KINDS:
                info = figure1.info(panel, cells, measure, quantity, kind)
                drawn = figure1.drawing(info, study.styles)
                layouts.setdefault(quantity, drawn["layout"])
                fresh: dict[str, list[Any]] = {}
                for trace in drawn["data"]:
                    key = {
                        "published": f"published|{quantity}",
                        "seed": f"seed|{quantity}|{measure}",
                    }.get(trace["meta"]["role"], f"interval|{quantity}|{measure}|{kind}")
                    fresh.setdefault(key, []).append(trace)
                for key, traces in fresh.items():
                    layers.setdefault(key, traces)
    return {"layers": layers, "layouts": layouts}


def _curves(cells: Sequence[Cell], study: Study) -> list[dict[str, Any]]:
    by_batch: dict[int, list[curves.CellCurves]] = {}
    for info in curves.infos(cells, study.frame, study.history):
        by_batch.setdefault(info.batch_size, []).append(info)
    return [
        {"batch_size": b, **curves.figure(found, study.styles).to_plotly_json()}
        for b, found in sorted(by_batch.items(), reverse=True)
    ]


# -- cells -------------------------------------------------------------------------------------------


def cell_section(study: Study) -> Section:
    """The table of cells, with its copies."""
    rows = tables.rows_of([cell for cells in study.panels.values() for cell in cells])
    keys = list(rows[0].panel) if rows else []
    columns = [
        *(Column(key, _NAMES[key]) for key in keys),
        Column("norm", "Norm"),
        Column("batch_size", "Batch size", True),
        Column("n", "n", True),
        Column("mean", "Mean error %", True, 2),
        Column("sd", "sd", True, 2),
        Column("ci_low", "95% CI from", True, 2),
        Column("ci_high", "to", True, 2),
        Column("low", "Min", True, 2),
        Column("median", "Median", True, 2),
        Column("high", "Max", True, 2),
    ]
    if wanting := any(row.remarks for row in rows):
        columns.append(Column("remarks", "Without a result"))
    body = [
        [
            *(row.panel[key] for key in keys),
            study.swatch(row.line),
            *(row.batch_size, row.n, row.mean, row.sd, row.low, row.high),
            *(row.minimum, row.median, row.maximum),
            *([row.remarks] if wanting else []),
        ]
        for row in rows
    ]
    copies = "".join(
        f'<button type="button" data-copy="{k}">Copy as {v}</button>'
        for k, v in (("csv", "CSV"), ("markdown", "Markdown"), ("latex", "LaTeX"))
    )
    caption = "Error at the last epoch over seeds, in percent, with Student’s t interval of the mean"
    controls = f'<div class="controls">{copies}</div>'
    return Section("cells", "Cells", "The table of cells", controls + markup.table(columns, body, caption))


# -- learning curves ---------------------------------------------------------------------------------


def curve_section(study: Study, drawn: Sequence[dict[str, Any]]) -> Section | None:
    """Learning curves by batch size and norm; None where no epoch was recorded."""
    figures = ""
    for index, (panel, entry) in enumerate(zip(study.panels, drawn, strict=True)):
        sizes = [str(curve["batch_size"]) for curve in entry["curves"]]
        if not sizes:
            continue
        lines = dict.fromkeys(t["meta"]["line"] for curve in entry["curves"] for t in curve["data"])
        choice = markup.select("Batch size", dict(zip(sizes, sizes, strict=True)), sizes[-1], curves=index)
        norms = {"": "all", **{line: line for line in lines}}
        which = markup.select("Norm", norms, "", lines=index)
        heading = f"<h3>{escape(study.name(panel))}</h3>" if len(study.panels) > 1 else ""
        label = f"Training and {panel.judged} error over epochs, as bands over seeds"
        plot = markup.plot("curves", label, panel=index, batch=sizes[-1])
        figures += f'<figure>{heading}<div class="controls">{choice}{which}</div>{plot}</figure>'
    if not figures:
        return None
    note = (
        '<p class="lede">Solid: mean error on the images that judge, its band from the lowest to the highest '
        "seed. "
        "Dotted: training error, on augmented images as they were seen.</p>"
    )
    body = f'{note}<div class="panels">{figures}</div>'
    return Section("curves", "Learning curves", "Learning curves", body)


# -- the G search ------------------------------------------------------------------------------------


def search_section(study: Study) -> Section | None:
    """Each G search with the chance that each G is best; None where there is none."""
    if not study.searches:
        return None
    body, figures = "", {}
    for index, search in enumerate(study.searches):
        figures[f"gsearch-{index}"] = gsearch.figure(search).to_plotly_json()
        said = hero.search_headline(search)
        facts = "".join(
            f"<li>{escape(fact)}</li>" for fact in (f"{said.title[:-1]} ({said.detail}).", *said.facts)
        )
        drawn = hero.search_figure(study, index) if study.compared else ""
        body += f'{drawn}<ul class="facts">{facts}</ul>{_chances(search)}'
    lede = (
        '<p class="lede">G is chosen by validation error alone. The chance of being best is the share of '
        "bootstrap "
        "resamples of whole seeds in which a G has the lowest mean: it says how stable the choice is, and no "
        "more.</p>"
    )
    return Section("gsearch", "G search", "The search for G", lede + body, figures=figures)


def _chances(search: gsearch.GSearchInfo) -> str:
    best = hero.best_of(search)
    chances = best.chances if best else {}
    columns = (
        Column("groups", "G", True),
        Column("n", "n", True),
        Column("mean", "Validation error %", True, 2),
        Column("low", "95% CI from", True, 2),
        Column("high", "to", True, 2),
        Column("chance", "Chance of being best", True),
    )
    rows = [
        [p.groups, len(p.values), p.mean, p.low, p.high,
         (chances[p.groups], f"{chances[p.groups]:.0%}") if p.groups in chances else None]
        for p in search.points
    ]  # fmt: skip
    return markup.table(columns, rows, "The search by G")


# -- side by side ------------------------------------------------------------------------------------


def versus_section(study: Study) -> Section | None:
    """The same cells of two sweeps; None with one sweep or nothing in common."""
    body = ""
    for first, second, rows in versus.pairs(study.panels) if study.several else []:
        columns = (
            Column("norm", "Norm"),
            Column("batch_size", "Batch size", True),
            Column("a", first.source or "A", True, 2),
            Column("b", second.source or "B", True, 2),
            Column("n", "n", True),
            Column("difference", "Difference", True),
            Column("ci", "95% CI (Welch)", True),
        )
        cells = [
            [
                study.swatch(r.line),
                *(r.batch_size, r.first, r.second, f"{r.n[0]}, {r.n[1]}"),
                (r.difference, signed(r.difference, 2)),
                versus.words(r),
            ]
            for r in rows
        ]
        caption = f"{study.name(second)} minus {study.name(first)}, in points of error"
        body += markup.table(columns, cells, caption)
    if not body:
        return None
    lede = (
        '<p class="lede">Different sweeps are different experiments: their trials are no pairs, even with '
        "the same "
        "seed, so the intervals are Welch’s.</p>"
    )
    return Section("versus", "Side by side", "One sweep against the other", lede + body)
