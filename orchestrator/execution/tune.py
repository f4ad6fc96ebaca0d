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

import ray
from ray import tune
from ray.actor import ActorHandle
from ray.tune.experiment import trial as tune_trial
from ray.tune.logger import JsonLoggerCallback

from orchestrator.cluster.nodes import this_node
from orchestrator.cluster.preflight import Vetted, late_nodes_trouble
from orchestrator.execution.arrival import arrive
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.callbacks import AllStopped, Events, Stoppable
from orchestrator.execution.device import DeviceError, device_trouble
from orchestrator.execution.dispatcher import LATER, Dispatcher
from orchestrator.execution.events import Listener
from orchestrator.execution.failures import given_up
from orchestrator.execution.messages import of_event
from orchestrator.execution.mps import share_gpu
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.tune_storage import fresh_storage
from orchestrator.execution.worker import run_pack, store_of
from orchestrator.planning.order import After
from orchestrator.planning.resources import Site
from orchestrator.results.source import Code, training_code
from orchestrator.results.storage_errors import StorageError
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
) -> "tune.ResultGrid | None":
    """Run all packs in the order given; must be called inside `cluster`. Gives Ray's result grid.

    None where trouble ended the run and took Tune's state with it.

    `vetted`: what the nodes of a joined cluster answered; one that comes later is asked by its first pack.
    `after`: see `Dispatcher`.

    In the grid each result is a pack: `metrics["trials"]` maps trial ids to result.json's content, and
    `metrics_dataframe` holds every epoch reported.
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
                JsonLoggerCallback(),
                Events(
                    assignments,
                    listener,
                    interrupt,
                    Store(results, token=assignments[0].token),
                    lambda: None if vetted is None else late_nodes_trouble(vetted, site),
                    dispatcher,
                ),
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
    tune_trial.DEBUG_METRICS = tuple(dict.fromkeys((*kept_out, "replicas", "trials")))


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
    if problem is not None:
        if problem.mixes:
            tune.report({"stop": problem.text})
        else:
            _leave_out(dispatcher, trial_id, f"left out: {problem.text}")
        return
    warning = share_gpu(share)  # before torch looks for GPUs
    node, gpus = ray.get_runtime_context().get_node_id(), _gpus() if share else 0
    while (taken := ray.get(dispatcher.take.remote(trial_id, node, gpus))) == LATER:
        time.sleep(_WAIT)
    if taken is None:
        tune.report({"interrupted": True})
        return
    index, assignment = taken
    if warning is not None:
        tune.report({"pack": index, "warning": warning, "once": True})
    try:
        if (broken := device_trouble(assignment.device)) is not None:
            raise DeviceError(broken)
        dispatcher.ended.remote(trial_id, trained=_run_taken(index, assignment))
    except DeviceError as error:
        _leave_out(dispatcher, trial_id, f"left out: node {socket.gethostname()}: {error}")
    finally:
        dispatcher.release.remote(trial_id)


def _leave_out(dispatcher: ActorHandle, trial_id: str, said: str) -> None:
    """Keep this place, so that Ray gives it no more packs, until nothing is left to train or all others are
    idle. Raises DeviceError then, by which Tune places it anew."""
    ray.get(dispatcher.leave_out.remote(trial_id))
    tune.report({"left_out": said})
    while (verdict := ray.get(dispatcher.left_out.remote())) == "stay":
        time.sleep(_WAIT)
    if verdict == "leave":
        raise DeviceError(said)
    alone = {"stop": f"{said}, and no other machine has trained anything"}
    tune.report(alone if verdict == "alone" else {"interrupted": True})


def _gpus() -> int:
    """GPUs of this node that are Ray's to give: a node may have been started with fewer than it has."""
    import torch

    here = ray.get_runtime_context().get_node_id()
    lent = next((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["NodeID"] == here), 0)
    return min(torch.cuda.device_count(), int(lent))


def _run_taken(index: int, assignment: Assignment) -> bool:
    """Whether the pack was trained. One whose failures are used up ends without an error: the store has
    them."""
    tune.report({"pack": index, "started": True})
    if (error := given_up(store_of(assignment), assignment)) is not None:
        tune.report({"pack": index, "failed": error})
        return False
    try:
        run_pack(assignment, lambda event: tune.report(of_event(index, event)))
    except StorageError as error:
        tune.report({"stop": f"on node {socket.gethostname()}: {error}"})
        return False
    return True
