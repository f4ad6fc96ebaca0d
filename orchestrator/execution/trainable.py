"""A worker of Ray Tune's: it asks for a pack, trains it or has the host of its GPU do so, and reports."""

import socket
import time

import ray
from ray import tune
from ray.actor import ActorHandle

from orchestrator.cluster.probe import storage_trouble
from orchestrator.cluster.spot.service import metadata_service
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.device import DeviceError
from orchestrator.execution.dispatcher import LATER
from orchestrator.execution.events import EpochEnd, Trained, Warned
from orchestrator.execution.hosts import Arrives, UnfitError, train_in_host
from orchestrator.execution.left_out import NodeTrouble, leave_out
from orchestrator.execution.messages import of_event
from orchestrator.execution.watch import Watch, no_service
from orchestrator.execution.worker import GoneError, Stopped, attempt
from orchestrator.results.storage_errors import LostError, StorageError

_ANSWER_SECONDS = 10.0  # for the dispatcher
_WAIT = 1.0  # seconds between two looks of a worker that waits for another's pack


def trainable(
    config: dict[str, object],
    dispatcher: ActorHandle,
    hosts: ActorHandle | None,
    arrives: Arrives,
    alone: bool,
) -> None:
    """On the worker: one pack, then its share of a GPU is given back.

    `hosts`: where packs share GPUs. `alone`: no other machine trains, so that trouble of storage ends the
    sweep, as another run that has the folder does everywhere.
    """
    trial_id = tune.get_context().get_trial_id()
    while (problem := arrives()) is not None:
        if problem.mixes:
            tune.report({"stop": problem.text})
            return
        if not leave_out(dispatcher, trial_id, _unfit(problem.text, arrives)):
            return
    node, gpus = ray.get_runtime_context().get_node_id(), _lent() if hosts is not None else 0

    def stopping() -> bool:
        return bool(ray.get(dispatcher.stopping.remote(), timeout=_ANSWER_SECONDS))

    with Watch(stopping, no_service if alone else metadata_service) as watch:
        while True:
            if (trouble := watch.trouble()) is None:
                taken = ray.get(dispatcher.take.remote(trial_id, node, gpus))
                if taken is None:
                    break
                if taken == LATER:
                    time.sleep(_WAIT)
                    continue
                trouble = _trouble_of(dispatcher, hosts, arrives, watch, trial_id, *taken, alone=alone)
            if trouble is None or not leave_out(dispatcher, trial_id, trouble):
                return
    tune.report({"interrupted": True})


def _unfit(text: str, arrives: Arrives) -> NodeTrouble:
    return NodeTrouble(f"left out: {text}", well=lambda: arrives() is None)


def _trouble_of(
    dispatcher: ActorHandle,
    hosts: ActorHandle | None,
    arrives: Arrives,
    watch: Watch,
    trial_id: str,
    index: int,
    assignment: Assignment,
    *,
    alone: bool,
) -> NodeTrouble | None:
    """Train a pack, or try: what of this node stood in its way."""
    epochs = list[int]()
    try:
        trained = _run_taken(hosts, watch, index, assignment, epochs)
        dispatcher.ended.remote(trial_id, trained=trained)
    except Stopped:
        return watch.trouble()
    except (UnfitError, DeviceError, StorageError) as error:
        return _of_node(error, assignment, arrives, worked=bool(epochs), alone=alone)
    finally:
        dispatcher.release.remote(trial_id)
    return None


def _of_node(
    error: UnfitError | DeviceError | StorageError,
    assignment: Assignment,
    arrives: Arrives,
    *,
    worked: bool,
    alone: bool,
) -> NodeTrouble | None:
    """What is wrong with this node; None where that ends the sweep, which is reported."""
    node = f"node {socket.gethostname()}"
    match error:
        case UnfitError(trouble=trouble) if not trouble.mixes:
            return _unfit(trouble.text, arrives)
        case UnfitError():
            tune.report({"stop": str(error)})
            return None
        case DeviceError():
            return NodeTrouble(f"left out: {node}: {error}", gpu=True, worked=worked)
        case StorageError() if alone or isinstance(error, LostError):
            tune.report({"stop": f"on {node}: {error}"})
            return None
        case GoneError():
            return NodeTrouble(f"left out: {node}: {error}", worked=worked)
    return NodeTrouble(
        f"left out: {node} cannot read and write the results: {error}",
        storage=True,
        worked=worked,
        well=lambda: storage_trouble(assignment.results) is None,
    )


def _lent() -> int:
    """GPUs of this node that are Ray's to give."""
    here = ray.get_runtime_context().get_node_id()
    return int(next((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["NodeID"] == here), 0))


def _run_taken(
    hosts: ActorHandle | None, watch: Watch, index: int, assignment: Assignment, epochs: list[int]
) -> bool:
    """Whether the pack was trained; `epochs`: takes those that ended. One whose failures are used up ends
    without an error: the store has them. Raises Stopped, and as `attempt` and `train_in_host`."""

    def report(event: EpochEnd | Warned | Trained) -> None:
        watch.heard()
        if isinstance(event, EpochEnd):
            epochs.append(event.epoch)
        tune.report(of_event(index, event))
        if isinstance(event, EpochEnd) and not event.last and watch.until() is not None:
            raise Stopped

    tune.report({"pack": index, "started": True})
    if hosts is not None and assignment.beside_others:
        node = ray.get_runtime_context().get_node_id()
        error = train_in_host(hosts, index, node, assignment, report, watch.until)
    else:
        error = attempt(assignment, report, watch.until)
    if error is not None:
        tune.report({"pack": index, "failed": error})
    return error is None
