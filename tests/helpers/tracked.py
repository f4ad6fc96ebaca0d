"""What a tracker holds, read by its own library, and what it should hold, read from a results folder's JSON."""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.results.store import Store
from orchestrator.trackers.catalogue import make
from orchestrator.trackers.facts import sweep_facts
from orchestrator.trackers.reconcile import Reconciler

EPOCHS = ("train_loss", "train_error", "test_error", "learning_rate", "images_per_second")
#: An own tracker that appends a line for each call, and does what FAULT says in the midst of it.
LAB = """
import json, os, time

class Lines:
    def __init__(self, sweep):
        self.where, self.fault = "calls.jsonl", os.environ.get("FAULT", "")
        if self.fault == "begin":
            raise ConnectionError("the lab's server\\nis away")
        print("the library talks")

    def say(self, *words):
        with open("calls.jsonl", "a") as file:
            file.write(json.dumps(words) + "\\n")

    def calls(self):
        try:
            return [json.loads(line) for line in open("calls.jsonl")]
        except FileNotFoundError:
            return []

    def holds(self, trial):
        return ["finish", trial.trial_id] in [call[:2] for call in self.calls()]

    def open(self, trial):
        return Run(self, trial.trial_id)

    def close(self):
        self.say("close", "")

class Run:
    def __init__(self, tracker, name):
        self.tracker, self.name = tracker, name
        self.last_epoch = max((c[2] for c in tracker.calls() if c[:2] == ["epoch", name]), default=0)
        tracker.say("open", name)

    def log(self, epochs):
        if self.tracker.fault == "log":
            raise ConnectionError("the lab's server is away")
        if self.tracker.fault == "die":
            os.kill(os.getpid(), 9)
        if self.tracker.fault == "hang":
            time.sleep(3600)
        for epoch in epochs:
            self.tracker.say("epoch", self.name, epoch.number, epoch.metrics["train_loss"])

    def finish(self, summary):
        self.tracker.say("finish", self.name, summary["status"])

    def leave(self, error):
        self.tracker.say("leave", self.name, error)
"""


@dataclass
class Shown:
    """A run. `points`: metric -> (epoch, value) in the order of logging; `result`: what was told at the end."""

    group: str
    config: Mapping[str, Any]
    points: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    result: dict[str, Any] = field(default_factory=dict)


def level(name: str, folder: Path) -> None:
    """One run's worth of the tracker `name`: it is made, brought level with the folder, and closed."""
    store = Store(str(folder))
    sweep = store.sweep()
    assert sweep is not None
    facts = sweep_facts(store, sweep)
    tracker = make(name, facts)
    reconciler = Reconciler(tracker, store, facts)
    for trial_id in [*reconciler.behind(), *sorted(store.scan())]:
        reconciler.update([trial_id])
    reconciler.close()


def stored(folder: Path) -> dict[str, Shown]:
    """What should be shown, by trial id. The group is made by hand: whatever but the seed is alike."""
    found = {}
    for trial in (file.parent for file in folder.glob("trials/*/history.json")):
        config = json.loads((trial / "trial.json").read_text())
        config.pop("sha256", None)
        group = json.dumps({k: v for k, v in config.items() if k != "seed"}, sort_keys=True)
        shown = found[trial.name] = Shown(group, config)
        for entry in json.loads((trial / "history.json").read_text())["epochs"]:
            for metric in EPOCHS:
                if entry[metric] is not None:
                    shown.points[metric].append((entry["epoch"], entry[metric]))
        if (trial / "result.json").exists():
            result = json.loads((trial / "result.json").read_text())
            shown.result = {name: result[name] for name in ("status", "epochs_run")}
    return found


def tensorboard(folder: Path) -> Iterator[tuple[str, Shown]]:
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    from tensorboard.util.tensor_util import make_ndarray

    for run in sorted((folder / "tensorboard").glob("*/*")):
        events = EventAccumulator(
            str(run), size_guidance={"tensors": 0, "scalars": 0}, purge_orphaned_data=False
        ).Reload()
        content = events.PluginTagToContent("hparams")
        start = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info
        config = {
            name: getattr(value, str(value.WhichOneof("kind"))) for name, value in start.hparams.items()
        }
        shown = Shown(start.group_name, config)
        for metric in EPOCHS:
            for event in events.Tensors(metric) if metric in events.Tags()["tensors"] else ():
                shown.points[metric].append((event.step, float(make_ndarray(event.tensor_proto))))
        for event in events.Tensors("result/text_summary") if "_hparams_/session_end_info" in content else ():
            (table,) = make_ndarray(event.tensor_proto)
            rows = [row.strip("| ").split(" | ") for row in table.decode().splitlines()[2:]]
            shown.result = {"status": dict(rows)["status"], "epochs_run": int(dict(rows)["epochs_run"])}
        yield run.name, shown


def wandb(folder: Path) -> Iterator[tuple[str, Shown]]:
    """A run's files in the order of their beginning, as `wandb sync` joins them."""
    from wandb.proto.wandb_internal_pb2 import Record

    from orchestrator.trackers.wandb_file import records

    runs: dict[str, Shown] = {}
    for file in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        shown = None
        for data in records(file.read_bytes()):
            record = Record.FromString(data)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                config = {c.key: json.loads(c.value_json) for c in record.run.config.update}
                config.pop("_wandb", None)
                shown = runs.setdefault(record.run.display_name, Shown(record.run.run_group, config))
            elif kind == "history" and shown is not None:
                row = {(*i.nested_key, i.key)[0]: json.loads(i.value_json) for i in record.history.item}
                for metric in set(EPOCHS) & set(row):
                    shown.points[metric].append((row["_step"], row[metric]))
            elif kind == "summary" and shown is not None:
                said = {(*i.nested_key, i.key)[0]: json.loads(i.value_json) for i in record.summary.update}
                shown.result |= {k: v for k, v in said.items() if k in {"status", "epochs_run"}}
    yield from runs.items()


def mlflow(folder: Path) -> Iterator[tuple[str, Shown]]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    for run in client.search_runs([experiment.experiment_id]):
        shown = Shown(run.data.tags["cell"], run.data.params)
        for metric in set(EPOCHS) & set(run.data.metrics):
            history = client.get_metric_history(run.info.run_id, metric)
            shown.points[metric] = [(point.step, point.value) for point in history]
        if run.info.status == "FINISHED":
            shown.result = {"status": run.data.tags["status"], "epochs_run": run.data.metrics["epochs_run"]}
        yield run.info.run_name, shown


def trackio(folder: Path) -> Iterator[tuple[str, Shown]]:
    import sqlite3

    (file,) = Path(os.environ["TRACKIO_DIR"]).glob("*.db")
    rows = sqlite3.connect(file)
    for name, text in rows.execute("select run_name, config from configs"):
        config = json.loads(text)
        shown = Shown(config["_Group"], {k: v for k, v in config.items() if not k.startswith("_")})
        for step, metrics in rows.execute(
            "select step, metrics from metrics where run_name = ? order by id", [name]
        ):
            row = json.loads(metrics)
            for metric in set(EPOCHS) & set(row):
                shown.points[metric].append((step, row[metric]))
            if "result/status" in row:
                shown.result = {"status": row["result/status"], "epochs_run": row["result/epochs_run"]}
        yield name, shown


READERS: dict[str, Callable[[Path], Iterator[tuple[str, Shown]]]] = {
    "tensorboard": tensorboard,
    "wandb": wandb,
    "trackio": trackio,
    "mlflow": mlflow,
}


def runs_of(name: str, folder: Path) -> list[tuple[str, Shown]]:
    """Every run that the tracker holds, also where two have one name."""
    return list(READERS[name](folder))
