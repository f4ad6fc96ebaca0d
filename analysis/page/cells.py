"""The section with the table of cells, to read and to copy."""

from analysis.page import html
from analysis.page.html import Column, Section
from analysis.stats.axes import axis_named
from analysis.stats.images import images
from analysis.stats.intervals import CI, FEWEST_VALUES
from analysis.stats.table import mixed, rows_of
from analysis.study import Study
from analysis.words.choices import MEASURE_WORDS
from analysis.words.images import images_sentences
from analysis.words.names import sentence_case
from analysis.words.numbers import count_in_words

#: Format of analysis.tables -> its name.
COPIES = {"csv": "CSV", "markdown": "Markdown", "latex": "LaTeX"}


def section(study: Study) -> Section:
    """The table of cells, with its copies."""
    rows = rows_of([cell for cells in study.panels.values() for cell in cells], study.measure)
    keys = list(rows[0].differing) if rows else []
    columns = [
        *(_column(key) for key in keys),
        Column("norm", "Norm"),
        Column("batch_size", "Batch size", True),
        Column("n", "n", True),
        Column("mean", "Mean error %", True, 2),
        Column("sd", "sd", True, 2),
        Column("ci_low", f"{CI} from", True, 2),
        Column("ci_high", "to", True, 2),
        Column("low", "Min", True, 2),
        Column("median", "Median", True, 2),
        Column("high", "Max", True, 2),
    ]
    if wanting := any(row.remarks for row in rows):
        columns.append(Column("remarks", "Without a result"))
    if codes := mixed(rows):
        columns.append(Column("code", "Code"))
    body = [
        [
            *(html.axis_cell(key, row.differing[key]) for key in keys),
            html.swatch(study, row.line, row.line.norm_name),
            *(row.batch_size, row.n, row.mean, row.sd, row.low, row.high),
            *(row.minimum, row.median, row.maximum),
            *([row.remarks] if wanting else []),
            *([row.code] if codes else []),
        ]
        for row in rows
    ]
    student = not any(map(study.sequential, study.panels))
    which = "Student’s t interval" if student else "the anytime-valid t interval"
    if not student and not all(map(study.sequential, study.panels)):
        which = "Student’s t interval (where a rule added seeds, the anytime-valid one)"
    caption = (
        f"{_measured(study)} over seeds, in percent, with {which} of the mean, clipped at 0 "
        f"and 100; none for fewer than {count_in_words(FEWEST_VALUES)} seeds, or if all seeds are identical"
    )
    table = html.table(columns, body, caption)
    notes = dict.fromkeys(
        images_sentences(
            cells,
            images(panel, study.sweep_of[panel].facts.get("data")),
            study.measure,
            kept=panel in study.judgements,
        )
        for panel, cells in study.panels.items()
    )
    said = [note for note in notes if note]
    whole = html.render("cells", copies=COPIES, table=table, notes=said)
    return Section("cells", "Cells", "The table of cells", whole)


def _column(name: str) -> Column:
    if name == "source":
        return Column(name, "Sweep")
    return Column(name, axis_named(name).label)


def _measured(study: Study) -> str:
    """What the errors are; a study's CSV does not say of which epoch."""
    said = [sweep.origin != "study" for sweep in study.sweeps]
    if all(said):
        return sentence_case(MEASURE_WORDS[study.measure])
    words = sentence_case(MEASURE_WORDS[study.measure])
    return f"{words}, or error as a CSV gives it," if any(said) else "Error"
