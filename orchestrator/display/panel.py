"""Drawing a Progress: a live panel on a terminal, a table in a notebook, plain lines everywhere else."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.cli import duration
from orchestrator.display.notebook import in_notebook, live
from orchestrator.display.progress import Progress
from orchestrator.execution.events import EpochEnd, Listener
from orchestrator.execution.signals import STOPPING, Interrupt

_MOST_ROWS = 16
_PLAIN_SECONDS = 15.0


@contextlib.contextmanager
def show(progress: Progress, title: str, interrupt: Interrupt, console: Console) -> Iterator[Listener]:
    """Show `progress` while the block runs; gives the listener to tell."""
    if in_notebook():
        with live(progress, title, interrupt):
            yield progress
        return
    if not console.is_terminal:
        yield Lines(progress, interrupt, console)
        return
    with Live(
        console=console,
        get_renderable=lambda: panel(progress, title, interrupt, console.height),
        refresh_per_second=4,
        transient=True,
        redirect_stdout=True,
        redirect_stderr=True,
    ):
        yield progress
    for warning in progress.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)


def panel(progress: Progress, title: str, interrupt: Interrupt, height: int = 40) -> RenderableType:
    """The whole live display."""
    return Group(
        Text.assemble((title, "bold"), f"   {duration(progress.elapsed)} so far"),
        _bar(progress, interrupt),
        _counts(progress),
        _running(progress, max(1, min(_MOST_ROWS, height - 8))),
        *[Text(f"warning: {text}", style="yellow") for text in progress.warnings[-1:]],
        *([Text(STOPPING, style="yellow")] if interrupt.requested else []),
    )


def _bar(progress: Progress, interrupt: Interrupt) -> RenderableType:
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(
        ProgressBar(total=1.0, completed=progress.share),
        f"{progress.share:4.0%}  {_left(progress, interrupt)}",
    )
    return line


def _left(progress: Progress, interrupt: Interrupt) -> str:
    if progress.running:
        return f"{duration(progress.seconds_left)} left"
    over = interrupt.requested or not progress.trials("waiting")
    return "ending workers…" if over else "starting workers…"


def _counts(progress: Progress) -> Text:
    failed = progress.trials("failed")
    return Text.assemble(
        ("trials  ", "dim"),
        (f"{progress.trials('done')}", "green"),
        f" of {progress.total} done · {progress.trials('running')} running · "
        f"{progress.trials('waiting')} waiting · ",
        (f"{failed} failed", "bold red" if failed else ""),
        f" · {progress.images_per_second:,.0f} images/s",
    )


def _running(progress: Progress, rows: int) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("pack", no_wrap=True, min_width=14)
    table.add_column("epoch", justify="right")
    table.add_column("error", justify="right")
    table.add_column("images/s", justify="right")
    running = progress.running_packs
    for entry in running[:rows]:
        error = "" if entry.error is None else f"{entry.error:.2f}%"
        speed = f"{entry.images_per_second:,.0f}" if entry.images_per_second else ""
        table.add_row(entry.name, f"{entry.epoch}/{entry.epochs}", error, speed)
    if len(running) > rows:
        table.add_row(f"and {len(running) - rows} more", "", "", "")
    return table


class Lines:
    """For logs: a line when a pack starts, ends or fails, and one every quarter of a minute between."""

    def __init__(self, progress: Progress, interrupt: Interrupt, console: Console) -> None:
        self._progress, self._interrupt, self._console = progress, interrupt, console
        self._last = time.monotonic()
        self._told = False

    @property
    def running(self) -> int:
        return self._progress.running

    def started(self, index: int) -> None:
        self._progress.started(index)
        entry = self._progress.packs[index]
        at = f" from epoch {entry.pack.epoch}" if entry.pack.epoch else ""
        self._say(f"started   {entry.name}{at}")

    def epoch(self, index: int, event: EpochEnd) -> None:
        self._progress.epoch(index, event)
        if self._interrupt.trouble and not self._told:
            self._told = True
            self._say(STOPPING)
        if time.monotonic() - self._last < _PLAIN_SECONDS:
            return
        entry = self._progress.packs[index]
        error = "" if entry.error is None else f", error {entry.error:.2f}%"
        self._say(
            f"{self._progress.share:4.0%}      {entry.name} epoch {entry.epoch}/{entry.epochs}{error}; "
            f"{self._progress.images_per_second:,.0f} images/s, {duration(self._progress.seconds_left)} left"
        )

    def warned(self, index: int, warning: str) -> None:
        self._progress.warned(index, warning)
        self._say(f"warning: {warning}")

    def finished(self, index: int) -> None:
        self._progress.finished(index)
        self._ended(index)

    def stopped(self, index: int) -> None:
        self._progress.stopped(index)
        self._ended(index)

    def _ended(self, index: int) -> None:
        entry = self._progress.packs[index]
        error = "" if entry.error is None else f", error {entry.error:.2f}%"
        done = f"{self._progress.trials('done')} of {self._progress.total} trials done"
        self._say(f"{entry.state:<9} {entry.name}{error}; {done}")

    def retrying(self, index: int, error: str) -> None:
        self._progress.retrying(index, error)
        self._say(f"retrying  {self._progress.packs[index].name}: {error}")

    def failed(self, index: int, error: str) -> None:
        self._progress.failed(index, error)
        self._say(f"failed    {self._progress.packs[index].name}: {error}")

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
