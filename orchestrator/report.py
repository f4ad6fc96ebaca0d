"""The files that a run leaves beside its trials: results.csv and report.html."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from model.errors import InputError, reason
from orchestrator.grid.trial import Trial
from orchestrator.results.records import AnalysisPlan
from orchestrator.results.store import Store

if TYPE_CHECKING:
    from analysis.stats.choices import Choices


def check_choices(
    trials: Sequence[Trial], url: str, choices: "Choices", plan: AnalysisPlan | None = None
) -> None:
    """Raises InputError where a report of these trials, and of what lies in `url` already, cannot be what a
    reader chose, or what is planned: before anything trains, since a report is made last."""
    from analysis.sources.declared import foreseen
    from analysis.stats.choices import choices_of
    from analysis.study import read

    planned = plan is not None and "claims" in plan
    if not (choices.x or choices.base or planned):
        return
    identities = {trial.trial_id: trial.identity for trial in trials}
    if choices.x or choices.base:
        read([foreseen(url, identities)], choices)
    if plan is None or not planned:
        return
    try:
        study = read([foreseen(url, identities)], choices_of(plan))
    except InputError as error:
        raise InputError(f"the grid's analysis cannot be made: {error}") from None
    xs = {cell.x for cells in study.panels.values() for cell in cells}
    if missing := [value for value in plan.get("at") or () if value not in xs]:
        has = ", ".join(map(str, sorted(xs, key=str)))
        raise InputError(
            f"analysis.at: {missing[0]} is no {study.roles.axis.word} of this grid, which has {has}"
        )


def write_report(store: Store, choices: "Choices", *, live: bool = False) -> str:
    """Make results.csv and report.html from the store; gives the report's place.

    `choices`: what the reader chose. `live`: the sweep still runs, and the page says so.
    """
    from analysis.report import build
    from analysis.sources.load import load_sweep
    from analysis.tables import results_csv

    try:
        sweep = load_sweep(store.url, thin=True)  # once, so that the two files tell of one moment
    except InputError:
        store.files.names("trials")  # raises StorageError where the folder went away just now
        raise
    store.files.write("results.csv", results_csv(sweep.frame).encode())
    store.files.write("report.html", build(sweep, live=live, choices=choices).encode())
    path = store.files.path("report.html")
    return path if store.files.local else f"{store.url}/report.html"


def try_report(store: Store, choices: "Choices") -> str:
    """The report of a run that storage has stopped, if that can still be written."""
    try:
        return write_report(store, choices)
    except Exception as error:  # the trouble itself is told anyway
        return f"could not be written: {reason(error)}"
