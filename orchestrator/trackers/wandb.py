"""Weights & Biases: a project of the sweep's name, or WANDB_PROJECT's; groups are cells.

Its own environment decides where runs go: with WANDB_MODE=offline into the sweep's folder (or WANDB_DIR), a
folder for each stretch of a trial, which `wandb sync` joins by the run's id.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb

from orchestrator.trackers.facts import slug
from orchestrator.trackers.protocol import Epoch, Scalar, SweepFacts, TrialFacts
from orchestrator.trackers.wandb_file import steps


class WandB:
    def __init__(self, sweep: SweepFacts) -> None:
        self._project = os.environ.get("WANDB_PROJECT") or slug(sweep.name)
        self._folder = Path(os.environ.get("WANDB_DIR") or sweep.folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._offline = wandb.setup().settings.mode in {"offline", "dryrun"}
        self._finished: set[str] = set()
        if self._offline:
            self.where = f"wandb sync {self._folder / 'wandb'}/offline-run-*"
        else:
            entity = wandb.Api().default_entity
            self.where = f"{wandb.setup().settings.base_url} ({entity}/{self._project})"
            self._finished = _finished(f"{entity}/{self._project}", sweep.key)

    def holds(self, trial: TrialFacts) -> bool:
        """Offline a file says so: what was synced may have been cleaned away since."""
        return trial.run_id in self._finished or (self._offline and self._note(trial.run_id).exists())

    def open(self, trial: TrialFacts) -> "_Run":
        run = wandb.init(
            project=self._project,
            id=trial.run_id,
            name=trial.trial_id,
            group=trial.cell,
            config={**trial.config},
            dir=self._folder,
            resume="allow",
            reinit="create_new",
            settings=_settings(),
        )
        if not self._offline:
            return _Run(run, max(0, run.step - 1), None)
        files = (self._folder / "wandb").glob(f"offline-run-*-{trial.run_id}/*.wandb")
        last = max((step for file in files for step in steps(file.read_bytes())), default=0)
        return _Run(run, last, self._note(trial.run_id))

    def close(self) -> None:
        wandb.teardown()

    def _note(self, run_id: str) -> Path:
        return self._folder / "wandb" / "finished" / run_id


class _Run:
    def __init__(self, run: Any, last_epoch: int, note: Path | None) -> None:
        """`note`: a file to leave when it is finished."""
        self._run, self.last_epoch, self._note = run, last_epoch, note

    def log(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:
            values = {**epoch.metrics, "epoch": epoch.number, "_timestamp": epoch.ended}
            self._run.log(values, step=epoch.number, commit=True)
            self.last_epoch = epoch.number

    def finish(self, summary: Mapping[str, Scalar]) -> None:
        self._run.summary.update({**summary})
        self._run.finish(exit_code=0)
        if self._note is not None:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.touch()

    def leave(self, error: str | None) -> None:
        if error is None:
            self._run.mark_preempting()  # it shows as preempted and not as failed
        else:
            self._run.summary.update({"error": error})
        self._run.finish(exit_code=1)


def _settings() -> "wandb.Settings":
    """Quiet, and nothing measured of this machine, on which nothing need train."""
    wanted = {
        "console": "off",
        "silent": True,
        "save_code": False,
        "x_disable_stats": True,
        "x_disable_meta": True,
    }
    return wandb.Settings(
        **{name: value for name, value in wanted.items() if name in wandb.Settings.model_fields}
    )


def _finished(path: str, key: str) -> set[str]:
    """Ids of the sweep's finished runs in a project, which may not be there yet."""
    try:
        runs = wandb.Api().runs(path, filters={"state": "finished"}, per_page=500, lazy=True)
        return {run.id for run in runs if run.id.startswith(key)}
    except ValueError:
        return set()
