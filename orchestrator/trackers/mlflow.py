"""MLflow: on the server that MLFLOW_TRACKING_URI names, else a database in the sweep's folder.

The sweep is an experiment, or MLFLOW_EXPERIMENT_NAME's; cells are a tag, by which its table is grouped. Runs
are found again by a tag. Everything goes through its client: no run is this process's active one.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from orchestrator.trackers.protocol import Epoch, Scalar, SweepFacts, TrialFacts

_RUN_ID, _SWEEP, _CELL = "normsweep.run_id", "normsweep.sweep", "cell"
_PAGE = 1000  # runs; also the most metrics of a batch
_EVERY = "learning_rate"  # the metric that every epoch has


class MLflow:
    def __init__(self, sweep: SweepFacts) -> None:
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        if not uri:
            sweep.folder.mkdir(parents=True, exist_ok=True)
            uri = f"sqlite:///{sweep.folder / 'mlflow.db'}"
        self._client, self._sweep = MlflowClient(tracking_uri=uri), sweep
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or sweep.name
        known = self._client.get_experiment_by_name(name)
        if known is None:
            artifacts = None if "MLFLOW_TRACKING_URI" in os.environ else (sweep.folder / "mlflow").as_uri()
            self._experiment = self._client.create_experiment(name, artifact_location=artifacts)
        else:
            self._experiment = known.experiment_id
        self._known = dict(self._runs())
        self.where = f"mlflow ui --backend-store-uri {uri}" if uri.startswith("sqlite") else f"{uri} ({name})"

    def holds(self, trial: TrialFacts) -> bool:
        return self._known.get(trial.run_id, ("", ""))[1] == "FINISHED"

    def open(self, trial: TrialFacts) -> "_Run":
        if (known := self._known.get(trial.run_id)) is not None:
            self._client.update_run(known[0], status="RUNNING")
            return _Run(self._client, known[0])
        tags = {_RUN_ID: trial.run_id, _SWEEP: self._sweep.key, _CELL: trial.cell}
        run = self._client.create_run(self._experiment, tags=tags, run_name=trial.trial_id)
        run_id = str(run.info.run_id)
        params = [Param(name, str(value)) for name, value in trial.config.items() if value is not None]
        self._client.log_batch(run_id, params=params)
        self._known[trial.run_id] = (run_id, "RUNNING")
        return _Run(self._client, run_id)

    def close(self) -> None:
        """Each run is ended by itself."""

    def _runs(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """MLflow's id and the status of each run of this sweep, by our id."""
        page: str | None = None
        while page != "":
            found = self._client.search_runs(
                [self._experiment],
                filter_string=f"tags.`{_SWEEP}` = '{self._sweep.key}'",
                max_results=_PAGE,
                page_token=page,
            )
            for run in found:
                yield run.data.tags[_RUN_ID], (run.info.run_id, run.info.status)
            page = found.token or ""


class _Run:
    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client, self._id = client, run_id
        history = client.get_metric_history(run_id, _EVERY)
        self.last_epoch = max((point.step for point in history), default=0)
        self._last = max((point.timestamp for point in history), default=int(1000 * time.time()))

    def log(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:  # a transaction each: an epoch is there with all its metrics or not at all
            self._last, self.last_epoch = int(1000 * epoch.ended), epoch.number
            metrics = [Metric(name, value, self._last, epoch.number) for name, value in epoch.metrics.items()]
            self._client.log_batch(self._id, metrics=metrics)

    def finish(self, summary: Mapping[str, Scalar]) -> None:
        """Words become tags; a number that epochs have as well is there already, as the metric's last."""
        logged = set(self._client.get_run(self._id).data.metrics)
        numbers = [
            Metric(name, float(value), self._last, self.last_epoch)
            for name, value in summary.items()
            if isinstance(value, int | float) and name not in logged
        ]
        words = [RunTag(name, value) for name, value in summary.items() if isinstance(value, str)]
        self._client.log_batch(self._id, metrics=numbers, tags=words)
        self._client.set_terminated(self._id, "FINISHED")

    def leave(self, error: str | None) -> None:
        if error is not None:
            self._client.set_tag(self._id, "error", error)
        self._client.set_terminated(self._id, "KILLED" if error is None else "FAILED")
