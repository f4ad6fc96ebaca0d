"""Packs on Ray Tune.

Tune schedules, places, retries after lost workers and nodes, and collects metrics; what is done is
decided by the store alone. Two facts of Ray 2.60 shape this file. An interrupted `fit` returns as if
all had finished, so interruption is handled here: the scheduler starts nothing more and ends each pack
at its next report. And a trial's failures and a node's loss count alike, so Tune may retry often while
the store counts the failures that the trial itself raised.
"""

import os
import socket
import time
from collections.abc import Sequence
from functools import partial

import ray
from ray import tune
from ray.actor import ActorHandle
from ray.tune.experiment import trial as tune_trial
from ray.tune.logger import JsonLoggerCallback

from orchestrator.cluster.nodes import this_node
from orchestrator.cluster.preflight import Vetted, late_nodes_trouble
from orchestrator.cluster.probe import storage_trouble
from orchestrator.execution.arrival import arrive
from orchestrator.execution.as_tune_sees import Configured, OfPacks
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.callbacks import AllStopped, Events, Stoppable
from orchestrator.execution.device import DeviceError, device_trouble
from orchestrator.execution.dispatcher import LATER, Dispatcher
from orchestrator.execution.events import EpochEnd, Listener, Trained, Warned
from orchestrator.execution.failures import given_up
from orchestrator.execution.left_out import NodeTrouble, leave_out
from orchestrator.execution.messages import of_event
from orchestrator.execution.mps import share_gpu
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.tune_storage import fresh_storage
from orchestrator.execution.worker import GoneError, run_pack, store_of
from orchestrator.planning.order import After
from orchestrator.planning.resources import Site
from orchestrator.results.source import Code, training_code
from orchestrator.results.storage_errors import LostError, StorageError
from orchestrator.results.store import Store

_MOST_WAITING = 200  # placement groups that Tune asks for ahead, by which the autoscaler sees what is needed
_WAIT = 1.0  # seconds between two looks of a worker that waits for another's pack
#: Seconds that a machine which cannot compute waits for another that can.
_ALONE = float(os.environ.get("NORMSWEEP_DEVICE_PATIENCE", "300"))
_LOST_WORKERS = 20  # spot machines come and go; a lost one is not the trial's fault


def run_on_ray(
    assignments: Sequence[Assignment],
    listener: Listener,
    interrupt: Interrupt,
    *,
    results: str,
    site: Site,
    vetted: Vetted | None = None,
    after: After = (),
    callbacks: Sequence[tune.Callback] = (),
) -> "tune.ResultGrid | None":
    """Run all packs in the order given; must be called inside `cluster`. Gives Ray's result grid.

    None where trouble ended the run and took Tune's state with it.

    `vetted`: what the nodes of a joined cluster answered; one that comes later is asked by its first pack.
    `after`: see `Dispatcher`.

    In the grid each result is a pack, and its `config` says which (`as_tune_sees`). `metrics["errors"]` has
    an error for each seed, `metrics["trials"]` every result.json's content, and `metrics_dataframe` every
    epoch reported. `callbacks`: a user's own, told of packs.
    """
    # With the driver, whose end is everybody's: on a worker's node it would be lost with that node.
    here = this_node()
    alone = 0.0 if vetted is None else _ALONE
    dispatcher = ray.remote(num_cpus=0, scheduling_strategy=here)(Dispatcher).remote(
        list(assignments), after, alone
    )
    _set_up_tune(site)
    storage_path, storage_filesystem = fresh_storage(results, assignments[0].token)
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(
                _trainable,
                dispatcher=dispatcher,
                share=site.resources.gpus,
                vetted=vetted,
                code=training_code(),
                started_in=os.getcwd(),
            ),
            _placement(site),
        ),
        # Samples and no grid search over packs: of that Tune copies all values for each (14 s for 10,000).
        tune_config=tune.TuneConfig(
            num_samples=len(assignments),
            reuse_actors=True,
            scheduler=Stoppable(interrupt, dispatcher),
            trial_dirname_creator=lambda trial: f"turn-{trial.trial_id.rpartition('_')[2]}",
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=storage_path,
            storage_filesystem=storage_filesystem,
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=_LOST_WORKERS),
            callbacks=[
                Events(
                    assignments,
                    listener,
                    interrupt,
                    Store(results, token=assignments[0].token),
                    lambda: None if vetted is None else late_nodes_trouble(vetted, site),
                    dispatcher,
                ),
                OfPacks(JsonLoggerCallback()),
                Configured(),
                *map(OfPacks, callbacks),
            ],
            stop=AllStopped(interrupt, listener),
        ),
    )
    try:
        return tuner.fit()
    except Exception:
        if interrupt.trouble is None:
            raise
        return None  # its own state is gone with the folder, or is another run's: the trouble says so


def _set_up_tune(site: Site) -> None:
    """What Tune takes from its surroundings alone."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(max(_MOST_WAITING, round(1.1 * site.slots)))
    # Of every number in a report Tune keeps a running analysis, 100 KB a pack that nobody reads (measured).
    kept_out = getattr(tune_trial, "DEBUG_METRICS", ())
    tune_trial.DEBUG_METRICS = tuple(dict.fromkeys((*kept_out, "replicas", "trials", "errors")))


def _placement(site: Site) -> tune.PlacementGroupFactory:
    """What a pack asks of Ray. One bundle a pack goes to the machine with most room, which spreads packs."""
    bundle = {"CPU": site.resources.cpus, "GPU": site.resources.gpus}
    if site.gpu_type:
        bundle[f"accelerator_type:{site.gpu_type}"] = 0.001
    if site.avoid is None:
        return tune.PlacementGroupFactory([bundle])
    return tune.PlacementGroupFactory([bundle], bundle_label_selector=[{"ray.io/node-id": f"!{site.avoid}"}])


def _trainable(
    config: dict[str, object],
    dispatcher: ActorHandle,
    share: float,
    vetted: Vetted | None,
    code: Code,
    started_in: str,
) -> None:
    """On the worker: one pack, then its share of a GPU is given back. `started_in`: the driver's folder."""
    problem = arrive(vetted, code, started_in)
    trial_id = tune.get_context().get_trial_id()
    while problem is not None:
        if problem.mixes:
            tune.report({"stop": problem.text})
            return
        well = partial(_arrives, vetted, code, started_in)
        if not leave_out(dispatcher, trial_id, NodeTrouble(f"left out: {problem.text}", well=well)):
            return
        problem = arrive(vetted, code, started_in)
    warning = share_gpu(share)  # before torch looks for GPUs
    node, gpus = ray.get_runtime_context().get_node_id(), _gpus() if share else 0
    while (taken := ray.get(dispatcher.take.remote(trial_id, node, gpus))) is not None:
        if taken == LATER:
            time.sleep(_WAIT)
            continue
        if warning is not None:
            tune.report({"pack": taken[0], "warning": warning, "once": True})
        trouble = _trouble_of(dispatcher, trial_id, *taken, alone=vetted is None)
        if trouble is None or not leave_out(dispatcher, trial_id, trouble):
            return
    tune.report({"interrupted": True})


def _arrives(vetted: Vetted | None, code: Code, started_in: str) -> bool:
    return arrive(vetted, code, started_in) is None


def _trouble_of(
    dispatcher: ActorHandle, trial_id: str, index: int, assignment: Assignment, *, alone: bool
) -> NodeTrouble | None:
    """Train a pack, or try: what of this node stood in its way. `alone`: no other machine trains, so that
    trouble of storage ends the sweep, as another run that has the folder does everywhere."""
    node, epochs = f"node {socket.gethostname()}", list[int]()
    try:
        if (broken := device_trouble(assignment.device)) is not None:
            raise DeviceError(broken)
        trained = _run_taken(index, assignment, epochs)
        dispatcher.ended.remote(trial_id, trained=trained)
    except DeviceError as error:
        return NodeTrouble(f"left out: {node}: {error}", gpu=True, worked=bool(epochs))
    except StorageError as error:
        if alone or isinstance(error, LostError):
            tune.report({"stop": f"on {node}: {error}"})
            return None
        if isinstance(error, GoneError):
            return NodeTrouble(f"left out: {node}: {error}", worked=bool(epochs))
        return NodeTrouble(
            f"left out: {node} cannot read and write the results: {error}",
            storage=True,
            worked=bool(epochs),
            well=lambda: storage_trouble(assignment.results) is None,
        )
    finally:
        dispatcher.release.remote(trial_id)
    return None


def _gpus() -> int:
    """GPUs of this node that are Ray's to give: a node may have been started with fewer than it has."""
    import torch

    here = ray.get_runtime_context().get_node_id()
    lent = next((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["NodeID"] == here), 0)
    return min(torch.cuda.device_count(), int(lent))


def _run_taken(index: int, assignment: Assignment, epochs: list[int]) -> bool:
    """Whether the pack was trained; `epochs`: takes those that ended. One whose failures are used up ends
    without an error: the store has them. Raises as `run_pack`."""

    def report(event: EpochEnd | Warned | Trained) -> None:
        if isinstance(event, EpochEnd):
            epochs.append(event.epoch)
        tune.report(of_event(index, event))

    tune.report({"pack": index, "started": True})
    if (error := given_up(store_of(assignment), assignment)) is not None:
        tune.report({"pack": index, "failed": error})
        return False
    run_pack(assignment, report)
    return True
