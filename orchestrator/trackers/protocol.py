"""What a tracker is, and what it is told. Implement `Tracker` to bring one of your own.

A tracker lives in a process of its own. It is made once, by `Name(sweep)`, and asked one thing at a time;
whatever it raises ends it, and never the sweep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Scalar = str | bool | int | float | None


@dataclass(frozen=True)
class SweepFacts:
    """The sweep that is shown.

    `key`: 8 hex digits that no other sweep has, and this one for life, wherever its folder lies. `results`:
    where that is, a path or a URL. `folder`: on this machine, for trackers that keep files.
    """

    name: str
    description: str
    key: str
    results: str
    folder: Path


@dataclass(frozen=True)
class TrialFacts:
    """A trial to be shown. `cell`: what the runs of its seeds have in common, to group them by. `config`:
    its identity. `run_id`: unlike `trial_id` it is no other sweep's, and has 21 characters."""

    trial_id: str
    run_id: str
    cell: str
    config: Mapping[str, Scalar]


@dataclass(frozen=True)
class Epoch:
    """A finished epoch. `number`: from 1. `ended`: Unix seconds. `metrics`: finite numbers, by the names that
    results.csv has; errors in percent."""

    number: int
    ended: float
    metrics: Mapping[str, float]


class Run(Protocol):
    """A trial's run in a tracker, open."""

    @property
    def last_epoch(self) -> int:
        """The last epoch that it held when it was opened, 0 for a new one. Those after it are logged, each
        once."""

    def log(self, epochs: Sequence[Epoch]) -> None:
        """Epochs in order."""

    def finish(self, summary: Mapping[str, Scalar]) -> None:
        """The trial is finished, with this result; nothing follows. `status` says done or diverged."""

    def leave(self, error: str | None) -> None:
        """The trial stops unfinished, for now: interrupted, or given up with this error."""


class Tracker(Protocol):
    """A tracker of experiments."""

    @property
    def where(self) -> str:
        """Where a person looks at it: a URL or a command."""

    def holds(self, trial: TrialFacts) -> bool:
        """Whether it has this finished trial to the end. Asked of every finished trial at the start, so it
        should be quick; where that is not to be known, say no, and the trial is opened and seen to."""

    def open(self, trial: TrialFacts) -> Run:
        """The trial's run: a new one, or the one that it had, to go on with."""

    def close(self) -> None:
        """Nothing follows; return when all is kept."""
