"""What is printed at the end of a run: the cells, what failed, and how to go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from orchestrator.cli import duration
from orchestrator.display.busy import busy
from orchestrator.execution.signals import Interrupt
from orchestrator.grid.trial import Trial
from orchestrator.results.codes import count
from orchestrator.results.parents import held_in, waiting_in_words
from orchestrator.results.records import Failure
from orchestrator.results.store import Store
from orchestrator.results.trial_state import TrialState
from orchestrator.scheduling import Schedule
from orchestrator.sweep import Prepared

if TYPE_CHECKING:
    from analysis.stats.choices import Choices

_MOST_FAILURES = 10


@dataclass(frozen=True)
class Again:
    """How a person asks for the same once more: `command`, to go on, and `retry`, to give what failed its
    attempts again."""

    command: str
    retry: str


def spent(schedule: Schedule, seconds: float, *, whole: bool = True) -> str:
    """The estimate against the truth; `whole`: whether all that was planned was done."""
    if not whole:
        return f"Stopped after {duration(seconds)}" + (
            f" of about {duration(schedule.estimate)}." if schedule.estimate is not None else "."
        )
    if schedule.estimate is None:
        return f"Took {duration(seconds)}; the plan could not tell."
    return f"Took {duration(seconds)}; the plan said {duration(schedule.estimate)}."


def print_outcome(
    prepared: Prepared,
    console: Console,
    report: str,
    interrupt: Interrupt,
    again: Again,
    choices: "Choices",
    trials: Sequence[Trial],
    wanting: Sequence[str] = (),
) -> int:
    """The table of cells, the report's place and what to do next; gives the exit code. `trials`: all that
    there are by now; `wanting`: what could not be planned, in sentences."""
    declared = {trial.trial_id: trial for trial in trials}
    with busy(console, "Reading the results"):
        after = prepared.store.scan(known=prepared.states)
        finished = sum(i in after and after[i].finished for i in declared)
        table = _table(prepared.store, replace(choices, paired=True)) if finished else ""
    failures = {i: after[i].failure for i in declared if i in after and after[i].status == "failed"}
    failed = {i: failure for i, failure in failures.items() if failure is not None}
    if finished:
        console.print(table)
    console.print(f"Report: {report}", soft_wrap=True, markup=False)
    if interrupt.trouble:
        console.print(f"[bold red]Stopped[/]: {escape(interrupt.trouble)}", soft_wrap=True)
    elif interrupt.limit:
        console.print(f"[yellow]Stopped[/]: {escape(interrupt.limit)}", soft_wrap=True)
    for sentence in wanting:
        console.print(sentence, style="yellow", soft_wrap=True, markup=False)
    if interrupt.requested and (finished < len(declared) or wanting):
        console.print(
            f"[yellow]Interrupted[/]: {finished} of {len(declared)} trials done. To resume, run again:"
        )
        console.print(f"  {again.command}", soft_wrap=True, markup=False)
        return interrupt.exit_code
    if failed:
        for sentence in waiting_in_words(_held(declared, after)):
            console.print(sentence, soft_wrap=True, markup=False)
        _print_failures(failed, console, again.retry)
        return 1
    if finished < len(declared):
        console.print(f"[yellow]{finished} of {len(declared)} trials done.[/] Run again to go on:")
        console.print(f"  {again.command}", soft_wrap=True, markup=False)
        return 1
    return 1 if wanting else 0


def _table(store: Store, choices: "Choices") -> str:
    """Of the cells."""
    from analysis.sources.load import load
    from analysis.tables import terminal

    return terminal(load(store.url), choices)


def _held(declared: Mapping[str, Trial], states: Mapping[str, TrialState]) -> dict[str, str]:
    """The trials that wait for a failed one, and for which."""
    parents = {i: trial.parent_id for i, trial in declared.items() if trial.parent_id is not None}
    return held_in(parents, states)


def _print_failures(failed: Mapping[str, Failure], console: Console, retry: str) -> None:
    console.print(f"[bold red]{count(len(failed))} failed[/]:")
    for trial_id, failure in list(failed.items())[:_MOST_FAILURES]:
        console.print(f"  {trial_id}: {failure.get('error')}", soft_wrap=True, markup=False)
    if len(failed) > _MOST_FAILURES:
        console.print(f"  and {len(failed) - _MOST_FAILURES} more")
    console.print("The traceback is in each trial's failure.json. To try them again:")
    console.print(f"  {retry}", soft_wrap=True, markup=False)
