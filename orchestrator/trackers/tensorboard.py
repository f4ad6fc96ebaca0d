"""TensorBoard: event files in the sweep's folder, a run a trial below its cell's.

    tensorboard/<cell>/<trial_id>/events.out.tfevents.…     a file for each stretch of the trial
                                  finished                  empty: its result is in the files

Scalars have the epoch as their step; the identity is in the HParams tab, where the seeds of a cell are one
session group. Records are written by TensorBoard's own classes, one after another in this thread: torch's and
tensorboardX's writers take two seconds to import, and a thread for each open run.
"""

import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboard.summary.writer.record_writer import RecordWriter

from orchestrator.trackers.protocol import Epoch, Scalar, SweepFacts, TrialFacts

_FINISHED = "finished"


class TensorBoard:
    def __init__(self, sweep: SweepFacts) -> None:
        self._root = sweep.folder / "tensorboard"
        self._root.mkdir(parents=True, exist_ok=True)
        self.where = f"tensorboard --logdir {self._root}"

    def holds(self, trial: TrialFacts) -> bool:
        return (self._folder(trial) / _FINISHED).exists()

    def open(self, trial: TrialFacts) -> "_Run":
        return _Run(self._folder(trial), trial)

    def close(self) -> None:
        """Each run is closed by itself."""

    def _folder(self, trial: TrialFacts) -> Path:
        return self._root / trial.cell / trial.trial_id


class _Run:
    def __init__(self, folder: Path, trial: TrialFacts) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        steps = [step for file in folder.glob("events.out.tfevents.*") for step in _steps(file.read_bytes())]
        self.last_epoch = max(steps, default=0)
        # No two files of a folder may have one name, though a trial go on within a second.
        name = f"{time.time():.0f}.{socket.gethostname()}.{os.getpid()}.{time.monotonic_ns()}"
        self._writer = RecordWriter((folder / f"events.out.tfevents.{name}").open("xb"))
        self._write(Event(file_version="brain.Event:2"))
        if not steps:
            self._write(Event(summary=_start(trial)))
            self._write(Event(summary=_text("identity", trial.config)))
        self._writer.flush()

    def log(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:
            values = [Summary.Value(tag=name, simple_value=value) for name, value in epoch.metrics.items()]
            event = Event(step=epoch.number, summary=Summary(value=values))
            self._write(event, epoch.ended)
            self.last_epoch = epoch.number
        self._writer.flush()

    def finish(self, summary: Mapping[str, Scalar]) -> None:
        self._write(Event(step=self.last_epoch, summary=_text("result", summary)))
        self._write(Event(step=self.last_epoch, summary=_end()))
        self._writer.close()
        (self._folder / _FINISHED).touch()

    def leave(self, error: str | None) -> None:
        if error is not None:
            self._write(Event(step=self.last_epoch, summary=_text("failure", {"error": error})))
        self._writer.close()

    def _write(self, event: Event, at: float | None = None) -> None:
        event.wall_time = time.time() if at is None else at
        self._writer.write(event.SerializeToString())


def _steps(content: bytes) -> Iterator[int]:
    """The steps of an event file's scalars; what a kill has cut off at its end is not there."""
    at = 0
    while at + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        end = at + 12 + length + 4
        if end > len(content):
            return
        event = Event.FromString(content[at + 12 : end - 4])
        if any(value.HasField("simple_value") for value in event.summary.value):
            yield event.step
        at = end


def _start(trial: TrialFacts) -> Summary:
    """What the HParams tab shows of a trial."""
    start = SessionStartInfo(group_name=trial.cell, start_time_secs=time.time())
    for name, value in trial.config.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        elif value is not None:
            start.hparams[name].number_value = value
    return _hparams("session_start_info", HParamsPluginData(session_start_info=start, version=0))


def _end() -> Summary:
    end = SessionEndInfo(status=STATUS_SUCCESS, end_time_secs=time.time())
    return _hparams("session_end_info", HParamsPluginData(session_end_info=end, version=0))


def _hparams(name: str, data: HParamsPluginData) -> Summary:
    return Summary(
        value=[Summary.Value(tag=f"_hparams_/{name}", metadata=_plugin("hparams", data.SerializeToString()))]
    )


def _text(tag: str, values: Mapping[str, Scalar]) -> Summary:
    """A table of values for the Text tab."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in values.items() if value is not None)
    table = f"| | |\n|---|---|\n{rows}".encode()
    tensor = TensorProto(
        dtype=DT_STRING, string_val=[table], tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    )
    return Summary(
        value=[Summary.Value(tag=f"{tag}/text_summary", metadata=_plugin("text", b""), tensor=tensor)]
    )


def _plugin(name: str, content: bytes) -> SummaryMetadata:
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=name, content=content))
