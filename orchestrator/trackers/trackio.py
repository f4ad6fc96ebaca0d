"""Trackio: its store on this machine, or the Space that TRACKIO_SPACE_ID names; a project a sweep.

The project carries the sweep's key, for Trackio tells runs of a project apart by name alone. It has no
summary: the result is one row more, behind the last epoch, by which a finished run is known.
"""

import contextvars
import os
from collections.abc import Mapping, Sequence
from typing import Any

import trackio
from trackio.sqlite_storage import SQLiteStorage

from orchestrator.trackers.facts import slug
from orchestrator.trackers.protocol import Epoch, Scalar, SweepFacts, TrialFacts

_RESULT = "result/"


class Trackio:
    def __init__(self, sweep: SweepFacts) -> None:
        self._project = f"{slug(sweep.name)}-{sweep.key[:4]}"
        self._local = not (os.environ.get("TRACKIO_SPACE_ID") or os.environ.get("TRACKIO_SERVER_URL"))
        self._finished = _finished(self._project) if self._local else set()
        self.where = f"trackio show --project {self._project}"

    def holds(self, trial: TrialFacts) -> bool:
        return trial.trial_id in self._finished

    def open(self, trial: TrialFacts) -> "_Run":
        # In a context of its own: `init` ends the run that the current one has.
        run = contextvars.Context().run(
            trackio.init,
            self._project,
            name=trial.trial_id,
            group=trial.cell,
            config={**trial.config},
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        return _Run(run, check=self._local)

    def close(self) -> None:
        """Each run is finished by itself."""


class _Run:
    def __init__(self, run: Any, *, check: bool) -> None:
        self._run, self._check = run, check
        self.last_epoch = max(0, run._next_step - 1)  # what it found on resuming; nothing public says it

    def log(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:
            self._run.log({**epoch.metrics}, step=epoch.number)
            self.last_epoch = epoch.number

    def finish(self, summary: Mapping[str, Scalar]) -> None:
        if self.last_epoch <= int(summary.get("epochs_run") or 0):  # else that row is there
            self.last_epoch += 1
            self._run.log(
                {f"{_RESULT}{name}": value for name, value in summary.items()}, step=self.last_epoch
            )
        self._end()

    def leave(self, error: str | None) -> None:
        self._end()

    def _end(self) -> None:
        """Raises RuntimeError where it did not keep what it was given: of its own it only warns."""
        self._run.finish()
        if self._check and self.last_epoch:
            kept = SQLiteStorage.get_max_step_for_run(self._run.project, self._run.name, run_id=self._run.id)
            if kept != self.last_epoch:
                raise RuntimeError(f"run {self._run.name} was not kept beyond step {kept or 0}")


def _finished(project: str) -> set[str]:
    """The names of the runs that have a result."""
    try:
        found = SQLiteStorage.query_project(
            project,
            f"SELECT DISTINCT run_name FROM metrics WHERE metrics LIKE '%\"{_RESULT}status\"%'",
            10**6,
        )
    except FileNotFoundError:
        return set()
    return {row["run_name"] for row in found["rows"]}
