"""Trackers that follow a sweep while it trains, told of each trial that has news and waited for at the end.

One that fails is told to a person once, and left: the next run that names it makes up for what it lacks.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Self

from rich.console import Console

from orchestrator.display.busy import busy
from orchestrator.execution.events import EpochEnd, Listener
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.plan import Pack
from orchestrator.trackers.handle import Handle

#: Seconds at the end of a run in which a tracker may give no sign before it is left.
SILENCE = 60.0


class Following:
    """Trackers that follow a sweep while the block runs. `url`: of its results."""

    def __init__(self, names: Sequence[str], url: str, console: Console, interrupt: Interrupt) -> None:
        self._names, self._url, self._console, self._interrupt = names, url, console, interrupt
        self._processes: list[Handle] = []

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """Start them, where they have not: the sweep is declared."""
        if not self._processes:
            self._processes = [Handle(name, self._url, self._print) for name in self._names]

    def hear(self, listener: Listener, packs: Sequence[Pack]) -> Listener:
        """`listener`, with these trackers told what it is told."""
        return _Hearing(listener, packs, self) if self._names else listener

    def changed(self, trial_ids: Iterable[str]) -> None:
        """These have a new epoch, or their result."""
        self._tell("changed", trial_ids)

    def stopped(self, trial_ids: Iterable[str]) -> None:
        """These train no more in this run."""
        self._tell("stopped", trial_ids)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for them, while they give signs of life, nobody interrupts, and nothing is wrong."""
        interrupted = self._interrupt.requested
        try:
            if kind is None and self._interrupt.trouble is None:
                for process in self._processes:
                    process.over()
                for process in self._processes:
                    self._wait(process, interrupted)
        finally:
            for process in self._processes:
                process.kill()

    def _wait(self, process: Handle, interrupted: bool) -> None:
        with busy(self._console, f"Waiting for {process.name}"):
            while not process.ended.wait(0.1):
                if time.monotonic() - process.sign > SILENCE:
                    process.leave(f"it has given no sign for {SILENCE:.0f} s")
                elif self._interrupt.requested and not interrupted:
                    process.leave("it was not waited for")

    def _tell(self, word: str, trial_ids: Iterable[str]) -> None:
        chosen = list(trial_ids)
        for process in self._processes:
            process.tell(word, chosen)

    def _print(self, text: str, *, warning: bool) -> None:
        if warning:
            print(f"warning: {text}", file=sys.stderr, flush=True)
        else:
            self._console.print(text, soft_wrap=True, markup=False, highlight=False)


class _Hearing:
    """Passes everything on to `listener`, and the trials of `packs` that have news to `following`."""

    def __init__(self, listener: Listener, packs: Sequence[Pack], following: Following) -> None:
        self._listener, self._following = listener, following
        self._trials = [[trial.trial_id for trial in pack.trials] for pack in packs]

    @property
    def running(self) -> int:
        return self._listener.running

    def started(self, index: int) -> None:
        self._listener.started(index)

    def epoch(self, index: int, event: EpochEnd) -> None:
        self._listener.epoch(index, event)
        self._following.changed(event.replicas)

    def warned(self, index: int, warning: str) -> None:
        self._listener.warned(index, warning)

    def finished(self, index: int) -> None:
        self._listener.finished(index)
        self._following.changed(self._trials[index])

    def stopped(self, index: int) -> None:
        self._listener.stopped(index)
        self._following.stopped(self._trials[index])

    def retrying(self, index: int, error: str) -> None:
        self._listener.retrying(index, error)

    def failed(self, index: int, error: str) -> None:
        self._listener.failed(index, error)
        self._following.stopped(self._trials[index])
