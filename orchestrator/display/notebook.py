"""Drawing a Progress in a notebook: one table that changes in place.

By Jupyter's own display messages, which every front end has, Colab's too; widgets would need an extension.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from html import escape

from orchestrator.cli import duration
from orchestrator.display.progress import Progress
from orchestrator.execution.signals import STOPPING, Interrupt

_SECONDS = 1.0
_MOST_ROWS = 16
_CELL = "text-align: left; padding: 0 1.5em 0 0"


@dataclass(frozen=True)
class _Shown:
    """What a front end shows, the richest that it can."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return hasattr(get_ipython(), "kernel")


@contextmanager
def live(progress: Progress, title: str, interrupt: Interrupt) -> Iterator[None]:
    """Show `progress` below the cell, anew every second while the block runs and once at its end."""
    from IPython.display import display

    def shown() -> _Shown:
        return _Shown(table(progress, title, interrupt), f"{title}: {counts(progress)}")

    handle = display(shown(), display_id=True)
    over = threading.Event()

    def loop() -> None:
        while not over.wait(_SECONDS):
            handle.update(shown())

    # In the context of the cell: by that the kernel knows which cell its messages are of.
    thread = threading.Thread(target=copy_context().run, args=(loop,), name="live table", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        handle.update(shown())


def table(progress: Progress, title: str, interrupt: Interrupt) -> str:
    """The whole display, as HTML."""
    left = f"{duration(progress.seconds_left)} left" if progress.running else ""
    running = progress.running_packs
    more = f"<p>and {len(running) - _MOST_ROWS} more packs</p>" if len(running) > _MOST_ROWS else ""
    notes = [*progress.warnings[-1:], *([STOPPING] if interrupt.requested else [])]
    return (
        f"<p><b>{escape(title)}</b> &nbsp; {duration(progress.elapsed)} so far</p>"
        f'<progress value="{progress.share:.4f}" max="1" style="width: 50%"></progress> '
        f"{progress.share:.0%} &nbsp; {left}"
        f"<p>{counts(progress)}</p>"
        f"{_rows(progress)}{more}" + "".join(f"<p>{escape(note)}</p>" for note in notes)
    )


def counts(progress: Progress) -> str:
    """Trials by their state, and how fast they are trained."""
    states = " · ".join(f"{progress.trials(state)} {state}" for state in ("running", "waiting", "failed"))
    speed = f"{progress.images_per_second:,.0f} images/s"
    return f"{progress.trials('done')} of {progress.total} trials done · {states} · {speed}"


def _rows(progress: Progress) -> str:
    rows = [("pack", "epoch", "error", "images/s")]
    for entry in progress.running_packs[:_MOST_ROWS]:
        error = "" if entry.error is None else f"{entry.error:.2f}%"
        speed = f"{entry.images_per_second:,.0f}" if entry.images_per_second else ""
        rows.append((entry.name, f"{entry.epoch}/{entry.epochs}", error, speed))
    if len(rows) == 1:
        return ""
    lines = ["".join(f'<td style="{_CELL}">{escape(text)}</td>' for text in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
