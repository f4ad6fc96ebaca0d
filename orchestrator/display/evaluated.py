"""What an evaluation found, for a person: a cell a line, and what could not be evaluated by name."""

from collections.abc import Sequence
from statistics import fmean

from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.norm_table import STATISTICS
from model.spec import Spec
from orchestrator.display.cell_names import cell_names
from orchestrator.execution.evaluation import Report
from orchestrator.planning.evaluation import Chosen
from orchestrator.results.records import EvaluationRecord

_MOST = 20


def show(report: Report, chosen: Chosen, records: Sequence[EvaluationRecord], console: Console) -> None:
    """`records`: all that were asked for, written now or before."""
    if records:
        console.print(_table(chosen, records))
    new, old = len(report.written), len(report.there)
    console.print(f"{new} evaluation{'' if new == 1 else 's'} written, {old} there before")
    if chosen.unfinished:
        console.print(
            f"{chosen.unfinished} trials are not finished: run the same command again when they are"
        )
    _name("not evaluated", chosen.left_out, "dim", console)
    _name("NOT evaluated", report.problems, "yellow", console)


def _name(what: str, trials: dict[str, str], style: str, console: Console) -> None:
    for trial_id, why in list(trials.items())[:_MOST]:
        console.print(f"{what}: {trial_id}: {why}", style=style, markup=False)
    if len(trials) > _MOST:
        console.print(f"{what}: {len(trials) - _MOST} more", style=style)


def _table(chosen: Chosen, records: Sequence[EvaluationRecord]) -> Table:
    """Mean error over the seeds of each cell by statistics, in percent."""
    used = [one for one in STATISTICS if any(record["statistics"] == one for record in records)]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(f"error on {_images(records)}, %")
    for one in ("networks", *used):
        table.add_column(one, justify="right")
    cells: dict[Spec, list[str]] = {}
    for group in chosen.groups:
        for trial in group:
            cells.setdefault(trial.spec, []).append(trial.trial_id)
    names = cell_names(cells)
    for spec, ids in cells.items():
        own = [record for record in records if record["trial_id"] in ids]
        if own:
            means = (_mean([r for r in own if r["statistics"] == one]) for one in used)
            table.add_row(Text(names[spec]), str(len({r["trial_id"] for r in own})), *means)
    return table


def _images(records: Sequence[EvaluationRecord]) -> str:
    words = {"images": "other", "train": "training"}
    splits = dict.fromkeys(words.get(record["split"], record["split"]) for record in records)
    counts = dict.fromkeys(f"{record['images']:,}" for record in records)
    return f"{' or '.join(counts)} {' or '.join(splits)} images"


def _mean(records: Sequence[EvaluationRecord]) -> str:
    errors = [record["error"] for record in records]
    known = [error for error in errors if error is not None]
    if not known:
        return "–"
    lost = f" ({len(errors) - len(known)} not finite)" if len(known) < len(errors) else ""
    return f"{fmean(known):.2f}{lost}"
