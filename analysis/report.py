"""The report: one HTML file that answers the study's question and defends the answer.

    python -m analysis.report RESULTS [--out FILE]

The page is made whole in memory from one reading of the results, so it is never a mixture of two states
of a sweep; who writes it (this command line, or the run itself) writes it by rename.
"""

import argparse
import posixpath
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from analysis import curves, figure1, gsearch, page, tables, theme
from analysis.cells import MEASURES, Cell, Panel, panels
from analysis.frame import STATUSES
from analysis.headline import headline
from analysis.intervals import KINDS
from analysis.load import Sweep, load_sweep
from analysis.page import Column, Section
from model.errors import InputError
from orchestrator.files import Files


def build(source: Any, *, live: bool = False) -> str:
    """The report of one sweep as HTML. `source`: as `analysis.load` takes. `live`: the sweep is running,
    so the page says so and loads itself again every half minute. Raises InputError."""
    sweep = load_sweep(source)
    grouped = panels(sweep.frame)
    shown = {panel: cells for panel, cells in grouped.items() if not _is_search(cells)}
    searches = [info for panel, cells in grouped.items() for info in gsearch.infos(panel, cells)]
    searches = [info for info in searches if len(info.points) > 1]
    lines = [cell.line for cells in grouped.values() for cell in cells]
    styles = theme.styles(lines)
    drawn = [_panel(panel, cells, sweep, styles) for panel, cells in grouped.items()]
    index = {panel: i for i, panel in enumerate(grouped)}
    data = {
        "live": live,
        "generated": _now(),
        "panels": drawn,
        "figures": {f"gsearch-{i}": gsearch.figure(s).to_plotly_json() for i, s in enumerate(searches)},
        "trials": _trials(sweep),
        "tables": {name: tables.FORMATS[name](sweep.frame, "last") for name in ("csv", "markdown", "latex")},
    }
    sections = [
        _cells_section(grouped),
        *([_search_section(searches)] if searches else []),
        *([_curves_section(grouped, drawn)] if any(d["curves"] for d in drawn) else []),
        _trials_section(sweep),
        _provenance_section(sweep),
    ]
    return page.document(
        title=sweep.name,
        hero=_hero(sweep, shown or grouped, index),
        sections=sections,
        data=data,
        status='<span class="live" id="live">Live</span>' if live else "",
        footer=f"Made by normsweep on {escape(_now())}. Errors are in percent of images.",
    )


def _is_search(cells: Sequence[Cell]) -> bool:
    """A G search has a figure of its own: one batch size, group norm alone, judged on held-out images."""
    return (
        cells[0].panel.holdout > 0
        and len({c.batch_size for c in cells}) == 1
        and {c.line.norm for c in cells} == {"gn"}
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


# -- data of the figures -----------------------------------------------------------------------------


def _panel(
    panel: Panel, cells: Sequence[Cell], sweep: Sweep, styles: dict[Any, theme.Style]
) -> dict[str, Any]:
    layers: dict[str, list[Any]] = {}
    layouts: dict[str, Any] = {}
    for quantity in figure1.QUANTITIES:
        for measure in MEASURES:
            for kind in KINDS:
                drawn = figure1.figure(
                    figure1.info(panel, cells, measure, quantity, kind), styles
                ).to_plotly_json()
                layouts[quantity] = drawn["layout"]
                _split(layers, drawn["data"], quantity, measure, kind)
    return {
        "title": _title(panel),
        "fig1": {"layers": layers, "layouts": layouts},
        "curves": _curves(cells, sweep, styles),
    }


def _split(layers: dict[str, list[Any]], traces: list[Any], quantity: str, measure: str, kind: str) -> None:
    """Each trace into the layer of the switches that change it, so that nothing is stored twice."""
    keys = {
        "published": f"published|{quantity}",
        "seed": f"seed|{quantity}|{measure}",
        "band": f"interval|{quantity}|{measure}|{kind}",
        "mean": f"interval|{quantity}|{measure}|{kind}",
    }
    fresh: dict[str, list[Any]] = {}
    for trace in traces:
        fresh.setdefault(keys[trace["meta"]["role"]], []).append(trace)
    for key, found in fresh.items():
        layers.setdefault(key, found)


def _curves(cells: Sequence[Cell], sweep: Sweep, styles: dict[Any, theme.Style]) -> list[dict[str, Any]]:
    by_batch: dict[int, list[curves.CellCurves]] = {}
    for info in curves.infos(cells, sweep.frame, sweep.history):
        by_batch.setdefault(info.batch_size, []).append(info)
    return [
        {"batch_size": b, **curves.figure(found, styles).to_plotly_json()}
        for b, found in sorted(by_batch.items(), reverse=True)
    ]


def _trials(sweep: Sweep) -> dict[str, Any]:
    columns = [{"key": c.key, "digits": c.digits, "class": "num" if c.numeric else ""} for c in TRIAL_COLUMNS]
    wanted = sweep.frame[[c.key for c in TRIAL_COLUMNS]].astype(object)
    rows = wanted.where(wanted.notna(), None).to_numpy().tolist()
    return {"columns": columns, "rows": rows}


TRIAL_COLUMNS = (
    Column("status", "Status"),
    Column("dataset", "Data set"),
    Column("model", "Model"),
    Column("norm", "Norm"),
    Column("groups", "G", True),
    Column("batch_size", "Batch", True),
    Column("seed", "Seed", True),
    Column("test_error", "Test error %", True, 2),
    Column("test_error_median5", "Median of 5", True, 2),
    Column("val_error", "Validation error %", True, 2),
    Column("epochs_run", "Epochs", True),
    Column("train_seconds", "Seconds", True, 1),
    Column("failure", "Failure"),
    Column("trial_id", "Trial"),
)


# -- sections ----------------------------------------------------------------------------------------


def _title(panel: Panel) -> str:
    parts = [panel.dataset, panel.model, panel.recipe, panel.length]
    return " · ".join(part for part in parts if part)


def _hero(sweep: Sweep, shown: dict[Panel, list[Cell]], index: dict[Panel, int]) -> str:
    said = [(panel, headline(panel, cells)) for panel, cells in shown.items()]
    facts = [*said[0][1].facts, *(f"{_title(p)}: {h.title}" for p, h in said[1:])] if said else []
    title = said[0][1].title if said else "Nothing has been declared yet."
    figures = "".join(_figure1(panel, index[panel], len(shown) > 1) for panel in shown)
    first = _title(next(iter(shown))) if shown else ""
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f"""<div class="hero{" wide" if len(shown) > 1 else ""}">
<div><p class="eyebrow">{escape(first)}</p>
<h1>{escape(_split_title(title)[0])}{_small(_split_title(title)[1])}</h1>
<ul class="facts">{listed}</ul>
{_state(sweep)}</div>
<div>{_switches()}<div class="panels">{figures}</div></div>
</div>"""


def _split_title(title: str) -> tuple[str, str]:
    """The sentence, and what stands in its last brackets, which is set smaller."""
    text, opening, rest = title.partition(" (95% CI")
    return (f"{text}.", f"95% CI{rest}".rstrip(".").removesuffix(")")) if opening else (title, "")


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _figure1(panel: Panel, index: int, titled: bool) -> str:
    label = f"{panel.judged} error over batch size, one line per norm; the table of cells has the numbers"
    heading = f"<h3>{escape(_title(panel))}</h3>" if titled else ""
    return (
        f"<figure>{heading}{page.plot('fig1', label, panel=index)}"
        "<figcaption>Mean over seeds, its interval as a band, every seed as a dot. "
        "Click a point for its learning curves.</figcaption></figure>"
    )


def _switches() -> str:
    kinds = "".join(f'<option value="{k}">{escape(v)}</option>' for k, v in KINDS.items())
    return (
        '<form class="controls" aria-label="Figure 1 shows">'
        + page.segments("Show", "quantity", {"error": "Error", "accuracy": "Accuracy"})
        + page.segments("of", "measure", {"last": "Last epoch", "median5": "Median of 5"})
        + f'<label class="check">Band <select name="kind">{kinds}</select></label>'
        + '<label class="check"><input type="checkbox" name="published" checked> Published</label></form>'
    )


def _state(sweep: Sweep) -> str:
    counts = sweep.frame["status"].value_counts().to_dict()
    present = [(status, int(counts[status])) for status in STATUSES if counts.get(status)]
    bars = "".join(f'<i class="{status}" style="flex:{count}"></i>' for status, count in present)
    items = "".join(f'<li><span class="dot {s}"></span>{n} {s}</li>' for s, n in present)
    total = len(sweep.frame)
    warnings = "".join(f'<p class="warning">{escape(w)}</p>' for w in sweep.warnings[:5])
    more = len(sweep.warnings) - 5
    warnings += f'<p class="warning">and {more} more damaged files</p>' if more > 0 else ""
    done = int(counts.get("done", 0))
    return (
        f'<p class="eyebrow">{done} of {total} trial{"" if total == 1 else "s"} done</p>'
        f'<div class="state" aria-hidden="true">{bars}</div><ul class="legend">{items}</ul>{warnings}'
    )


def _cells_section(grouped: dict[Panel, list[Cell]]) -> Section:
    rows = tables.rows_of([cell for cells in grouped.values() for cell in cells])
    keys = list(rows[0].panel) if rows else []
    columns = [
        *(Column(key, key) for key in keys),
        Column("norm", "Norm"),
        Column("batch_size", "Batch size", True),
        Column("n", "n", True),
        Column("mean", "Mean error %", True, 2),
        Column("sd", "sd", True, 2),
        Column("ci_low", "95% CI from", True, 2),
        Column("ci_high", "to", True, 2),
        Column("remarks", "Not done"),
    ]
    body = [
        [
            *(row.panel[key] for key in keys),
            (row.line.name, page.swatch(row.line.norm, row.line.name)),
            row.batch_size,
            row.n,
            row.mean,
            row.sd,
            row.low,
            row.high,
            row.remarks,
        ]
        for row in rows
    ]
    copies = "".join(
        f'<button type="button" data-copy="{k}">Copy as {v}</button>'
        for k, v in (("csv", "CSV"), ("markdown", "Markdown"), ("latex", "LaTeX"))
    )
    caption = "Error at the last epoch over seeds, with Student's t interval of the mean"
    return Section(
        "cells",
        "Cells",
        "The table of cells",
        f'<div class="controls">{copies}</div>{page.table(columns, body, caption)}',
    )


def _search_section(searches: Sequence[gsearch.GSearchInfo]) -> Section:
    figures = "".join(
        "<figure>"
        + page.plot(
            "plain", f"Validation error over G at batch size {s.batch_size}", short=True, key=f"gsearch-{i}"
        )
        + f"<figcaption>{escape(_title(s.panel))}, judged on {s.panel.holdout:,} images held out of the training set. "
        "The test set took no part.</figcaption></figure>"
        for i, s in enumerate(searches)
    )
    return Section("gsearch", "G search", "The search for G", f'<div class="panels">{figures}</div>')


def _curves_section(grouped: dict[Panel, list[Cell]], drawn: Sequence[dict[str, Any]]) -> Section:
    figures = ""
    for index, (panel, entry) in enumerate(zip(grouped, drawn, strict=True)):
        sizes = {str(c["batch_size"]): str(c["batch_size"]) for c in entry["curves"]}
        if not sizes:
            continue
        last = list(sizes)[-1]
        label = f"Learning curves: training and {panel.judged} error over epochs, bands over seeds"
        heading = f"<h3>{escape(_title(panel))}</h3>" if len(grouped) > 1 else ""
        choice = page.select("Batch size", sizes, last, curves=index)
        figures += f'<figure>{heading}<div class="controls">{choice}</div>{page.plot("curves", label, panel=index, batch=last)}</figure>'
    note = (
        '<p class="lede">Solid: mean test (or validation) error, its band from the lowest to the highest seed. '
        "Dotted: training error, on augmented images as they were seen.</p>"
    )
    return Section(
        "curves", "Learning curves", "Learning curves", note + f'<div class="panels">{figures}</div>'
    )


def _trials_section(sweep: Sweep) -> Section:
    body = f"""<div id="trials-table"><div class="controls"><label class="check">Search
<input type="search" placeholder="gn 32 failed"></label></div>
<div class="scroll" tabindex="0" role="region" aria-label="Every trial"><table>
<caption>Every word must occur in a row; click a heading to sort.</caption>{page.head(TRIAL_COLUMNS)}<tbody></tbody></table></div>
<div class="pager"><button type="button">Back</button><span role="status"></span><button type="button">Next</button></div></div>"""
    return Section("trials", "Trials", f"All {len(sweep.frame):,} trials", body, long=True)


def _provenance_section(sweep: Sweep) -> Section:
    provenance = sweep.facts.get("provenance") or {}
    known = provenance if isinstance(provenance, dict) else {}
    command = known.get("command")
    text = f"<pre><code>{escape(str(command))}</code></pre>" if command else ""
    pairs = [
        ("Results", sweep.source),
        ("Description", sweep.facts.get("description")),
        ("Declared", sweep.facts.get("created")),
        ("Last declared", sweep.facts.get("updated")),
        *((str(key), value) for key, value in known.items() if key != "command"),
    ]
    return Section("provenance", "Provenance", "Where this comes from", text + page.definitions(pairs))


# -- the command line --------------------------------------------------------------------------------


def default_out(results: str) -> tuple[str, str]:
    """(folder, name) of the report: in the sweep's folder, or beside a CSV."""
    url = results.rstrip("/") or "/"
    if url.lower().endswith(".csv"):
        folder, name = posixpath.split(url)
        return folder or ".", f"{name[:-4]}.html"
    return url, "report.html"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.report",
        description="Make the report of a sweep: one HTML file that works offline.",
    )
    parser.add_argument("results", metavar="RESULTS", help="a sweep's folder or URL, or a .csv file")
    parser.add_argument(
        "--out", metavar="FILE", help="where to write (default: report.html in the results folder)"
    )
    options = parser.parse_args(arguments)
    try:
        html = build(options.results)
        folder, name = posixpath.split(options.out) if options.out else default_out(options.results)
        write(folder or ("/" if options.out.startswith("/") else "."), name, html)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(posixpath.join(folder, name) if folder else name)
    return 0


def write(folder: str, name: str, html: str) -> None:
    """Write the page whole or not at all. Raises InputError."""
    try:
        Files(folder).write(name, html.encode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot write {posixpath.join(folder, name)}: {reason}. Choose another with --out."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
