"""Tune's callbacks, scheduler and stopper: its events become a Listener's, an interrupt ends its packs."""

import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ray
from ray import tune
from ray.actor import ActorHandle
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from model.errors import InputError, last_line
from orchestrator.cluster.launches import failed_launches
from orchestrator.execution.as_tune_sees import Unkept, errors_of, name_pack
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.events import Listener
from orchestrator.execution.failures import record_failure
from orchestrator.execution.messages import Message, epoch_end
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.worker import PATIENCE
from orchestrator.results.files import Files
from orchestrator.results.records import EpochRecord, Result
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store

_SILENCE_SECONDS = 20  # with nothing running, before a person is told what is waited for
_LOST = "the worker was lost"
#: Words of Ray's for a worker that is gone, where no exception of its own ended it.
_OF_LOSS = (
    "ActorDiedError",
    "ActorUnavailableError",
    "actor died",
    "actor is dead",
    "is temporarily unavailable",
    "OutOfMemoryError: Task",
)
_LOSSES = (
    ("running low on memory", "the worker was killed because its machine ran out of memory"),
    ("node has died", "the worker was lost with its machine"),
    ("node was terminated", "the worker was lost with its machine"),
    ("was preempted", "the worker was lost with its machine, which was taken away"),
)
_OWN_PATIENCE = 20.0  # seconds for the driver to write to storage that a node, more patient, gave up


class Stoppable(Unkept, FIFOScheduler):  # type: ignore[misc]
    """After an interrupt nothing starts and every pack ends at its next report.

    It chooses no trial: Tune then starts those that wait, first in, first out, from a list of its own, where
    FIFOScheduler looks at every trial that has ended, at every step.
    """

    def __init__(self, interrupt: Interrupt, dispatcher: ActorHandle) -> None:
        super().__init__()
        self._interrupt, self._dispatcher = interrupt, dispatcher
        self._told = False

    def choose_trial_to_run(self, tune_controller: object) -> TuneTrial | None:
        if self._interrupt.requested and not self._told:
            self._told = True
            self._dispatcher.stop.remote()
        return None

    def on_trial_result(self, tune_controller: object, trial: TuneTrial, result: Message) -> str:
        # A stop at the first report, before the first epoch, would only throw its beginning away.
        # Nor one after the last epoch, when the results are all that is left to write.
        stop = self._interrupt.requested and "epoch" in result and result["epoch"] < result["epochs"]
        return str(TrialScheduler.STOP if stop else TrialScheduler.CONTINUE)


class AllStopped(Unkept, tune.Stopper):  # type: ignore[misc]
    """Ends the experiment once an interrupt was asked for and no pack is running."""

    def __init__(self, interrupt: Interrupt, listener: Listener) -> None:
        self._interrupt = interrupt
        self._events = listener

    def __call__(self, trial_id: str, result: Message) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._interrupt.requested and not self._events.running


class Events(Unkept, tune.Callback):  # type: ignore[misc]
    """Tune's callbacks as our events; the last failure of a pack goes into the store.

    First of the callbacks: those behind it find a trial's config, and errors in its reports.
    """

    def __init__(
        self,
        assignments: Sequence[Assignment],
        listener: Listener,
        interrupt: Interrupt,
        store: Store,
        bad_node: Callable[[], str | None],
        dispatcher: ActorHandle,
    ) -> None:
        """`bad_node`: looks for a node on which no worker can start."""
        self._assignments, self._listener = assignments, listener
        self._interrupt, self._store = interrupt, store
        self._bad_node, self._dispatcher = bad_node, dispatcher
        self._next_word = time.monotonic() + _SILENCE_SECONDS
        self._pack_of: dict[str, int] = {}
        self._told: set[str] = set()
        self._left_out: set[str] = set()
        self._out: dict[str, str] = {}  # by node, what was said of it

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **_: object) -> None:
        """Machines that come late, or never, are waited for in silence by Tune."""
        if self._listener.running or self._interrupt.requested:
            self._next_word = time.monotonic() + _SILENCE_SECONDS
        elif time.monotonic() > self._next_word:
            self._next_word = time.monotonic() + 3 * _SILENCE_SECONDS
            print("waiting for a machine that has room for a pack", file=sys.stderr, flush=True)
            for said in failed_launches():
                if said not in self._told:
                    self._told.add(said)
                    print(f"warning: {said}", file=sys.stderr, flush=True)

    def _could_not_start(self) -> None:
        if not self._interrupt.requested and (problem := self._bad_node()) is not None:
            self._interrupt.abort(problem)

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: Message, **_: object
    ) -> None:
        if "left_out" in result:
            self._leave_out(trial, result["left_out"], result.get("node"))
            if result.get("storage") and (problem := _own_trouble(self._store.url)) is not None:
                self._interrupt.abort(f"{result['left_out']}; nor can the driver: {problem}")
        elif "back" in result:
            self._left_out.discard(trial.trial_id)
            self._take_back(result["back"])
        elif "started" in result:
            self._pack_of[trial.trial_id] = result["pack"]
            name_pack(trial, self._assignments[result["pack"]].pack)
            self._listener.started(result["pack"])
        elif "warning" in result:
            if result.get("once"):  # every worker says it, and a person needs to be told it once
                if result["warning"] in self._told:
                    return
                self._told.add(result["warning"])
            self._listener.warned(result["pack"], result["warning"])
        elif "replicas" in result:
            if self._out and (said := self._out.pop(result["worker"].partition("/")[0], None)):
                self._take_back(said)  # its worker was let go meanwhile, and another came
            self._listener.epoch(result["pack"], epoch_end(result))
            self._add_errors(result, result["replicas"])
        elif "trials" in result:
            self._add_errors(result, {one["trial_id"]: one for one in result["trials"]})

    def _add_errors(self, result: Message, replicas: Mapping[str, EpochRecord | Result]) -> None:
        result.update(errors_of(self._assignments[result["pack"]].pack, replicas))

    def _leave_out(self, trial: TuneTrial, said: str, node: str | None) -> None:
        """A node takes no packs; the one that was given to it is for another."""
        self._left_out.add(trial.trial_id)
        if (index := self._pack_of.pop(trial.trial_id, None)) is not None:
            name_pack(trial, None)
            self._listener.stopped(index)
        if node:
            self._out[node] = said
        if said not in self._told:
            self._told.add(said)
            print(f"warning: {said}", file=sys.stderr, flush=True)

    def _take_back(self, said: str) -> None:
        if said in self._told:  # of all its workers the first
            self._told.remove(said)
            print(f"no longer {said}", file=sys.stderr, flush=True)

    def on_trial_complete(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **_: object
    ) -> None:
        last: Message = trial.last_result or Message()
        if "stop" in last:
            self._interrupt.abort(last["stop"])
        if (index := self._pack_of.get(trial.trial_id)) is None:
            return
        if "failed" in last:
            self._listener.failed(index, last["failed"])
        elif "trials" in last:
            self._listener.finished(index)
        else:
            self._listener.stopped(index)

    def on_trial_recover(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **_: object
    ) -> None:
        if (index := self._pack_of.get(trial.trial_id)) is not None:
            # Before Tune starts it again: it must not have gone to another and come back to this one as well.
            ray.get(self._dispatcher.lost.remote(trial.trial_id))
            name_pack(trial, None)  # until it has taken one again, perhaps another
            self._listener.retrying(index, what_failed(trial))
        elif trial.trial_id in self._left_out:  # placed anew, perhaps elsewhere
            self._left_out.remove(trial.trial_id)
        else:
            self._could_not_start()

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **_: object) -> None:
        error = what_failed(trial)
        if (index := self._pack_of.get(trial.trial_id)) is None:
            print(f"warning: a worker could not start: {error}", file=sys.stderr)
            self._could_not_start()
            return
        record_failure(self._store, [t.trial_id for t in self._assignments[index].pack.trials], error)
        ray.get(self._dispatcher.ended.remote(trial.trial_id, trained=False))
        self._listener.failed(index, error)


def _own_trouble(url: str) -> str | None:
    """What stands in the driver's own way of writing the results; None where it is a node's trouble alone."""
    name = f".probe-{uuid.uuid4().hex[:8]}"
    try:
        files = Files(url, min(_OWN_PATIENCE, PATIENCE))
        files.write(name, b"")
        files.remove(name)
    except (StorageError, InputError) as error:
        return str(error)
    return None


def what_failed(trial: TuneTrial) -> str:
    """The error of a trial in a line: what its worker raised, or how that was lost."""
    try:
        # Tune's own `get_error` looks in its storage, where the file comes later.
        text = Path(str(trial.error_file)).read_text(errors="replace")
    except OSError:
        return _LOST
    last = text.rpartition("Failure # ")[2]
    if not any(word in last for word in _OF_LOSS):
        return last_line(last, _LOST)
    return next((said for words, said in _LOSSES if words in last), _LOST)
