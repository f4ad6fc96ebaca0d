"""Packs on Ray Tune. The only file that knows Ray.

Tune schedules, places, retries after lost workers and nodes, and collects metrics; what is done is
decided by the store alone. Two facts of Ray 2.60 shape this file. An interrupted `fit` returns as if
all had finished, so interruption is handled here: the scheduler starts nothing more and ends each pack
at its next report. And a trial's failures and a node's loss count alike, so Tune may retry often while
the store counts the failures that the trial itself raised.
"""

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from model.errors import InputError
from orchestrator.dispatcher import Dispatcher
from orchestrator.execution import Listener, Options, Resources, Work, packs_at_once
from orchestrator.files import Files, StorageError
from orchestrator.interrupt import Interrupt
from orchestrator.store import Store
from orchestrator.trainable import Job, given_up, record_failure, run_pack

# Read by Ray when it is imported. Loggers nobody reads cost 100 ms a trial and 500 MB (measured).
os.environ.update(
    RAY_USAGE_STATS_ENABLED="0",
    RAY_AIR_NEW_OUTPUT="0",
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_DISABLE_SIGINT_HANDLER="1",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
)

import ray
from ray import tune
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.logger import JsonLoggerCallback
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_OBJECT_STORE_BYTES = 100 * 2**20  # the smallest that serves; by default Ray takes 30% of memory
_NO_RAY = (
    "no Ray cluster answers at {where}: {reason}. "
    "Check --address (and RAY_ADDRESS), or leave it out to use this machine alone."
)
_SEE_EVERY_GPU = "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"
_LOST_WORKERS = 20  # spot machines come and go; a lost one is not the trial's fault


@contextlib.contextmanager
def cluster(
    address: str | None, cpus: int | None = None, *, shared_gpus: bool = False
) -> Iterator[dict[str, float]]:
    """Ray, started here with `cpus` or joined at `address`; gives its resources. Raises InputError.

    `shared_gpus`: packs take fractions of a GPU, and the dispatcher says which. Without an address a Ray
    of its own is started, and its folder below /tmp/ray is removed at the end.
    """
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="ray")
    local: dict[str, Any] = {
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "num_cpus": cpus,
    }
    # Ray puts fractions on the first GPU that has room, so two halves share one GPU while another idles.
    every_gpu = {"runtime_env": {"env_vars": {_SEE_EVERY_GPU: "1"}}} if shared_gpus else {}
    if address:
        _answers(address)
    ray._private.worker.print_to_stdstream = _silent  # raylet messages pass log_to_driver=False
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        context = ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            configure_logging=False,
            **every_gpu,
            **({} if address else local),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(_NO_RAY.format(where=address or "this machine", reason=reason)) from None
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():  # ray.init takes SIGTERM for itself
            signal.signal(number, handler)
    session = context.address_info.get("session_dir")
    try:
        yield ray.cluster_resources()
    finally:
        ray.shutdown()
        if not address and session:
            shutil.rmtree(session, ignore_errors=True)


def _silent(*_: Any, **__: Any) -> None:
    """What dies is told by our own events."""


def _answers(address: str) -> None:
    """Knock before ray.init does, which waits for ever where nobody is. Raises InputError."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if not host or not (port.isascii() and port.isdecimal()):
        raise InputError(f"--address {address}: expected HOST:PORT of a Ray head (port 6379 unless changed)")
    try:
        socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(_NO_RAY.format(where=address, reason=error)) from None


@contextlib.contextmanager
def joined(options: Options) -> Iterator[tuple[Resources, int]]:
    """The cluster at `options.address`: a pack's resources there and how many fit. Raises InputError."""
    share = options.gpus_per_pack
    with cluster(options.address, shared_gpus=bool(share and share < 1)) as available:
        if share is None:
            share = 1.0 if available.get("GPU") else 0.0
        resources = Resources(options.cpus_per_pack, share, "cuda" if share else "cpu")
        yield resources, check_resources(resources, available)


def check_resources(resources: Resources, available: dict[str, float]) -> int:
    """How many packs fit at once. Raises InputError where not even one does."""
    gpus, cpus = available.get("GPU", 0.0), available.get("CPU", 0.0)
    if resources.gpus > gpus:
        raise InputError(
            f"a pack asks for {resources.gpus:g} GPU and Ray sees {gpus:g}. "
            "Use --gpus-per-pack 0 to train on the CPU."
        )
    if resources.cpus > cpus:
        raise InputError(
            f"a pack asks for {resources.cpus:g} CPUs and Ray sees {cpus:g}; lower --cpus-per-pack."
        )
    return packs_at_once(resources, cpus, gpus)


def run_on_ray(
    work: Sequence[Work], listener: Listener, interrupt: Interrupt, *, results: str, resources: Resources
) -> "tune.ResultGrid":
    """Run all packs in the order given; must be called inside `cluster`. Gives Ray's result grid.

    In the grid each result is a pack: `metrics["trials"]` maps trial ids to result.json's content, and
    `metrics_dataframe` holds every epoch reported.
    """
    # With the driver, whose end is everybody's: on a worker's node it would be lost with that node.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    dispatcher = ray.remote(num_cpus=0, scheduling_strategy=here)(Dispatcher).remote(
        [item.job for item in work]
    )
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(_trainable, dispatcher=dispatcher, on_gpu=resources.gpus > 0),
            {"cpu": resources.cpus, "gpu": resources.gpus},
        ),
        param_space={"turn": tune.grid_search(list(range(len(work))))},
        tune_config=tune.TuneConfig(
            reuse_actors=True,
            scheduler=_Stoppable(interrupt, dispatcher),
            trial_dirname_creator=lambda trial: f"turn-{trial.config['turn']:05d}",
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=_fresh_storage(results),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=_LOST_WORKERS),
            callbacks=[JsonLoggerCallback(), _Events(work, listener, interrupt, Store(results))],
            stop=_AllStopped(interrupt, listener),
        ),
    )
    return tuner.fit()


def _trainable(config: dict[str, Any], dispatcher: Any, on_gpu: bool) -> None:
    """On the worker: one pack, then its share of a GPU is given back."""
    trial_id = tune.get_context().get_trial_id()
    taken = ray.get(
        dispatcher.take.remote(trial_id, ray.get_runtime_context().get_node_id(), _gpus() if on_gpu else 0)
    )
    if taken is None:
        tune.report({"interrupted": True})
        return
    try:
        _run_taken(*taken)
    finally:
        dispatcher.release.remote(trial_id)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _run_taken(index: int, job: Job) -> None:
    """A job whose failures are used up ends without an error: the store has them."""
    tune.report({"pack": index, "started": True})
    if (error := given_up(job)) is not None:
        tune.report({"pack": index, "failed": error})
        return
    try:
        run_pack(job, lambda metrics: tune.report({"pack": index, **metrics}))
    except StorageError as error:
        tune.report({"pack": index, "storage": str(error)})


def _fresh_storage(results: str) -> str:
    """Where Tune keeps its own state: beside the results, so that all nodes reach it; never read back."""
    files = Files(results)
    base = files.path(".ray")
    with contextlib.suppress(FileNotFoundError):
        files.fs.rm(base, recursive=True)
    return str(Path(base)) if files.local else f"{results.rstrip('/')}/.ray"


class _Unkept:
    """Tune pickles what it is given to restore an experiment; we restore from the store alone."""

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        return (object, ())


class _Stoppable(_Unkept, FIFOScheduler):  # type: ignore[misc]
    """First in, first out; after an interrupt nothing starts and every pack ends at its next report."""

    def __init__(self, interrupt: Interrupt, dispatcher: Any) -> None:
        super().__init__()
        self._interrupt, self._dispatcher = interrupt, dispatcher
        self._told = False

    def choose_trial_to_run(self, tune_controller: Any) -> TuneTrial | None:
        if not self._interrupt.requested:
            return super().choose_trial_to_run(tune_controller)
        if not self._told:
            self._told = True
            self._dispatcher.stop.remote()
        return None

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        # A stop at the first report, before the first epoch, would only throw its beginning away.
        stop = self._interrupt.requested and "epoch" in result
        return str(TrialScheduler.STOP if stop else TrialScheduler.CONTINUE)


class _AllStopped(_Unkept, tune.Stopper):  # type: ignore[misc]
    """Ends the experiment once an interrupt was asked for and no pack is running."""

    def __init__(self, interrupt: Interrupt, listener: Listener) -> None:
        self._interrupt = interrupt
        self._events = listener

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._interrupt.requested and not self._events.running


class _Events(_Unkept, tune.Callback):  # type: ignore[misc]
    """Tune's callbacks as our events; the last failure of a pack goes into the store."""

    def __init__(self, work: Sequence[Work], listener: Listener, interrupt: Interrupt, store: Store) -> None:
        self._work, self._listener, self._interrupt, self._store = work, listener, interrupt, store

        self._pack_of: dict[str, int] = {}

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **_: Any
    ) -> None:
        if "started" in result:
            self._pack_of[trial.trial_id] = result["pack"]
            self._listener.started(result["pack"])
        elif "warning" in result:
            self._listener.warned(result["pack"], result["warning"])
        elif "replicas" in result:
            self._listener.epoch(result["pack"], result)

    def on_trial_complete(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **_: Any) -> None:
        if (index := self._pack_of.get(trial.trial_id)) is None:
            return
        last = trial.last_result or {}
        if "storage" in last:
            self._interrupt.abort(last["storage"])
        if "failed" in last:
            self._listener.failed(index, last["failed"])
        else:
            self._listener.finished(index)

    def on_trial_recover(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **_: Any) -> None:
        if (index := self._pack_of.get(trial.trial_id)) is not None:
            self._listener.retrying(index, _last_line(trial))

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **_: Any) -> None:
        error = _last_line(trial)
        if (index := self._pack_of.get(trial.trial_id)) is None:
            print(f"warning: a worker could not start: {error}", file=sys.stderr)
            return
        record_failure(self._store, [t.trial_id for t in self._work[index].pack.trials], error)
        self._listener.failed(index, error)


def _last_line(trial: TuneTrial) -> str:
    error = trial.get_error() if hasattr(trial, "get_error") else None
    lines = str(error or "the worker was lost").strip().splitlines()
    return lines[-1].strip()
