"""A Ray cluster: started on this machine or joined, and left.

Ray's own errors are for people who know Ray, come minutes late, or never: a port where something else
listens is waited for. What can be known in seconds is found out first: see `address` and `preflight`.
"""

import contextlib
import logging
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import ray
from ray.job_config import JobConfig

from model.errors import InputError, first_line
from orchestrator.cluster.address import NO_RAY, check_answers
from orchestrator.cluster.autoscaler import node_types
from orchestrator.cluster.nodes import nodes_up
from orchestrator.planning.options import Options
from orchestrator.planning.resources import Site, choose_site
from orchestrator.shadowing import shadows_in

#: What Ray and Tune look up when a cluster or a sweep starts, here and in what they start from here.
#: Loggers that nobody reads cost 100 ms a trial and 500 MB (measured, Ray 2.60).
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # of all trials' state, for a restore that we never do
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_OBJECT_STORE_BYTES = 100 * 2**20  # the smallest that serves; by default Ray takes 30% of memory


@contextlib.contextmanager
def cluster(address: str | None, cpus: int | None = None) -> Iterator[None]:
    """Ray, started here with `cpus` or joined at `address`. Raises InputError, TimeoutError.

    Without an address a Ray of its own is started, and its folder below /tmp/ray is removed at the end.
    """
    if ray.is_initialized():
        raise InputError(
            "Ray runs in this process already, and a sweep starts or joins its own: "
            "call ray.shutdown() first, or take the executor inline"
        )
    os.environ.update(_ENVIRONMENT)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="ray")
    local: dict[str, object] = {
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "num_cpus": cpus,
    }
    hidden = {"job_config": _WithoutThisFolder()} if shadows_in(os.getcwd()) else {}
    if address:
        check_answers(address)
    ray._private.worker.print_to_stdstream = _silent  # raylet messages pass log_to_driver=False
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ray._private.utils.set_sigterm_handler = _silent  # it would end this process with 15 while Ray starts
    try:
        context = ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            configure_logging=False,
            **hidden,
            **({} if address else local),
        )
    except Exception as error:  # a start that times out is a bare Exception
        if "Version mismatch" in str(error):
            raise InputError(
                f"{' '.join(str(error).split())} Install the same Ray and Python here and on the cluster."
            ) from None
        if address:
            raise InputError(NO_RAY.format(where=address, reason=first_line(error))) from None
        why = first_line(error).rstrip(".")
        if "timed out" in why:  # its own wait for its processes, 30 seconds: nobody's mistake
            raise TimeoutError(
                f"Ray did not start on this machine in time, which may be too busy ({why}). "
                "--executor inline does without Ray"
            ) from None
        raise InputError(
            f"Ray does not start on this machine: {why}. Its folder is "
            f"{os.environ.get('RAY_TMPDIR', '/tmp')} (RAY_TMPDIR): can it be written, and is there room? "
            "--executor inline does without Ray."
        ) from None
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():  # ray.init takes SIGTERM for itself
            signal.signal(number, handler)
    session = context.address_info.get("session_dir")
    try:
        yield
    finally:
        ray.shutdown()
        if not address and session:
            shutil.rmtree(session, ignore_errors=True)


class _WithoutThisFolder(JobConfig):  # type: ignore[misc]
    """Ray puts the folder that a driver was started in first on its workers' path, where a `model.py` of the
    user's would hide ours. `model.own` looks in it for code of the user's own after all else."""

    _py_driver_sys_path: list[str]

    def _serialize(self) -> Any:
        self._py_driver_sys_path = [path for path in self._py_driver_sys_path if not shadows_in(path)]
        return super()._serialize()


def _silent(*_: object, **__: object) -> None:
    """What dies is told by our own events."""


@contextlib.contextmanager
def joined(options: Options) -> Iterator[Site]:
    """The cluster at `options.address`: where packs go there. Raises InputError."""
    with cluster(options.address):
        yield look(options)


def look(options: Options) -> Site:
    """Where packs go on the cluster that was joined, by what is up now. Raises InputError."""
    types, most = node_types()
    return choose_site(
        nodes_up(),
        types,
        most=most,
        cpus_per_pack=options.cpus_per_pack,
        gpus_per_pack=options.share,
        gpu_type=options.gpu_type,
        use_head=options.use_head,
    )
