"""The table of cells, for a terminal, a paper and a program; and results.csv.

    python -m analysis.tables RESULTS --format csv|markdown|latex|terminal
    python -m analysis.tables theirs.csv --paired

One list of rows (stats.table), and a printer for each format, so that no two of them can disagree. The
columns of the CSV are fixed: norm, groups, batch_size, n, mean, sd, ci_low, ci_high, in percent of error;
whatever else differs within the results comes before them.
"""

import csv
import io
import math
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from analysis import arguments as parsers
from analysis import options
from analysis.sources.frame import COLUMNS, compared
from analysis.stats import bases
from analysis.stats.axes import in_column, value_text
from analysis.stats.bounds import bounded
from analysis.stats.cells import panels
from analysis.stats.choices import DEFAULT, Choices, as_planned
from analysis.stats.differences import Difference, differences
from analysis.stats.intervals import CI
from analysis.stats.panel import varied_axes
from analysis.stats.roles import own_axes, roles_of
from analysis.stats.table import CellRow, mixed, rows, rows_of
from analysis.words.headline import headline
from analysis.words.latex import tabular
from analysis.words.names import sentence_case
from analysis.words.pairing import test_name
from model.command import command, leave

#: Measure -> the heading of the mean error.
_ERROR = {"last": "error %", "median5": "error %, median of 5"}
CSV_COLUMNS = ("norm", "groups", "batch_size", "n", "mean", "sd", "ci_low", "ci_high")


# -- printers ----------------------------------------------------------------------------------------


def results_csv(frame: pd.DataFrame) -> str:
    """The content of results.csv: one row per trial, errors in percent."""
    absent = {"source"} if frame["sequential"].any() else {"source", "sequential"}
    names = [name for name in (*COLUMNS, *own_axes(frame)) if name not in absent]
    text: str = frame[names].to_csv(index=False, lineterminator="\n")
    return text


def to_csv(frame: pd.DataFrame, choices: Choices = DEFAULT) -> str:
    """The cells as CSV; numbers in full, empty where n does not allow them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    table = rows(frame, choices)
    keys = list(table[0].differing) if table else []
    codes = mixed(table)
    writer.writerow([*keys, *CSV_COLUMNS, *(["code"] if codes else [])])
    for row in table:
        numbers = [_number(x, "%.6g") for x in (row.mean, row.sd, row.low, row.high)]
        differing = ["" if row.differing[key] is None else row.differing[key] for key in keys]
        cell = [*differing, row.line.norm, row.groups, row.batch_size, row.n, *numbers]
        writer.writerow([*cell, *([row.code] if codes else [])])
    return out.getvalue()


def to_markdown(frame: pd.DataFrame, choices: Choices = DEFAULT) -> str:
    """The cells as a Markdown table."""
    head, body = _text_table(rows(frame, choices), choices.measure)
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "|".join(" --- " if i < 1 else " ---: " for i in _numeric(head)) + "|",
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in body]
    return "\n".join(lines) + "\n"


def to_latex(frame: pd.DataFrame, choices: Choices = DEFAULT) -> str:
    """The cells as a LaTeX tabular for booktabs."""
    head, body = _text_table(rows(frame, choices), choices.measure)
    return tabular(head, body, _numeric(head))


def terminal(frame: pd.DataFrame, choices: Choices = DEFAULT) -> str:
    """The cells for a terminal of 80 columns, each panel with what its numbers say."""
    blocks = []
    frame = compared(frame)
    grouped = panels(frame, roles_of(frame, choices.x))
    bases.check(([cell.line for cell in cells] for cells in grouped.values()), choices.base)
    varied = varied_axes(grouped)
    for panel, group in grouped.items():
        own = sentence_case(panel.named(varied))
        head, body = _text_table(rows_of(group, choices.measure), choices.measure)
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        flags = _numeric(head)
        rule = "─" * min(80, sum(widths) + 2 * (len(widths) - 1))
        lines = [
            " · ".join(part for part in (own, panel.title_without(varied), panel.measured()) if part),
            rule,
            _aligned(head, widths, flags),
            rule,
        ]
        lines += [_aligned(row, widths, flags) for row in body]
        shown, left_out = bounded(group)
        found = differences(shown, choices)
        answer = headline(panel, shown, found, choices)
        detail = f" ({answer.detail})" if answer.detail else ""
        notes = "".join(f" Left out: {note}." for note in left_out)
        text = f"{answer.title.removesuffix('.')}{detail}.{_rule(found)}{notes}".replace(
            "n = ", "n\u00a0=\u00a0"
        )
        words = [line.replace("\u00a0", " ") for line in textwrap.wrap(text, 80)]
        blocks.append("\n".join([*(line[:80].rstrip() for line in lines), "", *words]))
    return "\n\n".join(blocks) + "\n"


def _rule(compared: Sequence[Difference]) -> str:
    """Which comparison rules, where one is made."""
    if not any(d.estimate.interval.known for d in compared):
        return ""
    e = compared[0].estimate
    test = test_name(paired=e.paired, sequential=e.sequential)
    return f" {'Runs of a seed are pairs' if e.paired else 'Runs count as independent'}: {test} test."


#: In the order of arguments.TABLE_FORMATS.
_PRINTERS: tuple[Callable[[pd.DataFrame, Choices], str], ...] = (terminal, to_csv, to_markdown, to_latex)
FORMATS = dict(zip(parsers.TABLE_FORMATS, _PRINTERS, strict=True))


def _text_table(table: Sequence[CellRow], measure: str) -> tuple[list[str], list[list[str]]]:
    keys = list(table[0].differing) if table else []
    remarks = any(row.remarks for row in table)
    codes = mixed(table)
    head = [*keys, "norm", "batch size", "n", _ERROR[measure], "sd", CI]
    head += ["not done"] * remarks + ["code"] * codes
    body = []
    for row in table:
        interval = f"{row.low:.2f} to {row.high:.2f}" if math.isfinite(row.low) else "–"
        cells = [*(in_column(key, row.differing[key]) for key in keys), row.line.norm_name]
        cells += [
            value_text(row.batch_size),
            str(row.n),
            _number(row.mean, "%.2f", "–"),
            _number(row.sd, "%.2f", "–"),
        ]
        body.append([*cells, interval] + [row.remarks] * remarks + [row.code] * codes)
    return head, body


def _numeric(head: Sequence[str]) -> list[int]:
    """1 for a column of numbers, 0 for one of words."""
    return [int(name in {"batch size", "n", *_ERROR.values(), "sd", CI}) for name in head]


def _aligned(row: Sequence[str], widths: Sequence[int], numeric: Sequence[int]) -> str:
    cells = [c.rjust(w) if right else c.ljust(w) for c, w, right in zip(row, widths, numeric, strict=True)]
    return "  ".join(cells)


def _number(value: float, form: str, absent: str = "") -> str:
    return form % value if math.isfinite(value) else absent


@command
def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parsers.tables().parse_args(arguments)
    from analysis.sources.load import load_sweep

    choices = options.choices(chosen)
    sweep = load_sweep(chosen.results, paired=choices.paired, axes=chosen.axis)
    choices = as_planned(choices, sweep.plans)
    for warning in sweep.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    sys.stdout.write(FORMATS[chosen.format](sweep.frame, replace(choices, paired=sweep.paired)))
    return 0


if __name__ == "__main__":
    leave(main)
