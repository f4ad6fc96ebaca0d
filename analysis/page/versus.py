"""The section that sets two sweeps side by side."""

from collections.abc import Sequence

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Section, Shown
from analysis.stats import versus
from analysis.stats.intervals import CI
from analysis.stats.panel import Panel
from analysis.study import Study
from analysis.words.numbers import signed, signed_interval


def section(study: Study) -> Section | None:
    """The same cells of two sweeps; None with one sweep or nothing in common."""
    pairs = versus.pairs(study.panels, study.measure) if study.several else []
    tables = [_table(study, first, second, shared) for first, second, shared in pairs]
    if not tables:
        return None
    body = html.render("versus", tables=tables, sequential=any(map(study.sequential, study.panels)))
    return Section("versus", "Side by side", "One sweep against the other", body)


def _table(study: Study, first: Panel, second: Panel, shared: Sequence[versus.SharedCell]) -> Markup:
    columns = (
        Column("norm", "Line" if first.roles.more else "Norm"),
        Column("x", first.x.label, first.x.numeric),
        Column("a", first.source or "A", True, 2),
        Column("b", second.source or "B", True, 2),
        Column("n", "n", True),
        Column("difference", "Difference", True),
        Column("ci", f"{CI} (Welch)", True),
    )
    rows = [
        [
            html.swatch(study, cell.line),
            *(html.axis_value(cell.x), cell.first, cell.second, ", ".join(map(str, cell.difference.n))),
            Shown(cell.difference.mean, signed(cell.difference.mean, 2)),
            Shown(cell.difference.interval.low, signed_interval(cell.difference.interval, 2)),
        ]
        for cell in shared
    ]
    return html.table(
        columns,
        rows,
        f"{study.name(second)} minus {study.name(first)}, in points of {html.measured(study, first, second)}",
    )
