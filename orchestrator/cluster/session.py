"""A Ray cluster: started on this machine or joined, its machines seen, asked and used. No packs yet.

Ray's own errors are for people who know Ray, come minutes late, or never: a port where something else
listens is waited for, and a node without this product fails one trial after the other. What can be known
in seconds is found out here first.
"""

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from model.data.dataset import DataInfo
from model.errors import InputError, first_line, last_line
from orchestrator.cluster.probe import Answer, Question, ask, probe, trouble, unseen, versions, withdraw
from orchestrator.planning.options import Options
from orchestrator.planning.resources import Node, NodeType, Site, choose_site
from orchestrator.planning.throughput import Calibrate, calibrate_here

# Read by Ray when it is imported. Loggers nobody reads cost 100 ms a trial and 500 MB (measured).
os.environ.update(
    RAY_USAGE_STATS_ENABLED="0",
    RAY_AIR_NEW_OUTPUT="0",
    TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
    TUNE_DISABLE_SIGINT_HANDLER="1",
    TUNE_GLOBAL_CHECKPOINT_S="3600",  # of all trials' state, for a restore that we never do
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
)

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_OBJECT_STORE_BYTES = 100 * 2**20  # the smallest that serves; by default Ray takes 30% of memory
_NO_RAY = (
    "no Ray cluster answers at {where}: {reason}. "
    "Check --address (and RAY_ADDRESS), or leave it out to use this machine alone."
)
_SEE_EVERY_GPU = "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"
_HEAD_ADDRESS = "Give HOST:PORT of a Ray head (port 6379 unless changed), or unset RAY_ADDRESS to stay here."
_OTHER_ADDRESSES = {
    "ray": "a driver at the end of Ray Client dies with your connection; ray job submit runs it on the head",
    "http": "that is a dashboard's address, for ray job submit",
    "https": "that is a dashboard's address, for ray job submit",
}
_UNAUTHENTICATED = "Unauthenticated"  # gRPC's word
_KNOCK_SECONDS = 15
_ANSWER_SECONDS = 25
_DATA_SECONDS = 1800  # a download and sixty thousand small files
_FREE_SECONDS = 20  # until a machine is free for the first calibration
_CALIBRATION_SECONDS = 60  # for all of them
_LATE = " (which joined while the sweep ran)"
_BOOTSTRAP = "~/ray_bootstrap_config.yaml"
_GPU_TYPE = "accelerator_type:"
_HEAD = "node:__internal_head__"


@contextlib.contextmanager
def cluster(address: str | None, cpus: int | None = None, *, shared_gpus: bool = False) -> Iterator[None]:
    """Ray, started here with `cpus` or joined at `address`. Raises InputError.

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
        if "Version mismatch" in str(error):
            raise InputError(
                f"{' '.join(str(error).split())} Install the same Ray and Python here and on the cluster."
            ) from None
        reason = first_line(error)
        raise InputError(_NO_RAY.format(where=address or "this machine", reason=reason)) from None
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


def _silent(*_: Any, **__: Any) -> None:
    """What dies is told by our own events."""


def _answers(address: str) -> None:
    """Ask for Ray's head there before ray.init does, which waits for minutes. Raises InputError."""
    if address == "auto":
        return
    if (scheme := address.partition("://")[0]) in _OTHER_ADDRESSES and "://" in address:
        raise InputError(f"--address {address}: {_OTHER_ADDRESSES[scheme]}. {_HEAD_ADDRESS}")
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()):
        raise InputError(f"--address {address}: no address of a Ray head. {_HEAD_ADDRESS}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(_NO_RAY.format(where=address, reason=error)) from None
    # In a process of its own, because a client that waits for a GCS can be stopped in no other way.
    knock = f"from ray._raylet import GcsClient; GcsClient(address={address!r}).cluster_id"
    try:
        done = subprocess.run(
            [sys.executable, "-c", knock], timeout=_KNOCK_SECONDS, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:  # an unauthenticated client is refused and tries again
        said = (error.stderr or b"").decode(errors="replace")
        silence = f"something listens there, but gave no answer that Ray knows within {_KNOCK_SECONDS} s"
        reason = _refusal(said) if _UNAUTHENTICATED in said else silence
        raise InputError(_NO_RAY.format(where=address, reason=reason)) from None
    if done.returncode:
        raise InputError(_NO_RAY.format(where=address, reason=_refusal(done.stderr)))


def _refusal(output: str) -> str:
    """The last thing that a failed client said; where it lacks the token, what to do about it."""
    if _UNAUTHENTICATED in output:
        return (
            "it asks for a token and got none that it takes. Set RAY_AUTH_MODE=token and put the cluster's "
            "token into ~/.ray/auth_token"
        )
    return last_line(output, "no reason given")


@contextlib.contextmanager
def joined(options: Options) -> Iterator[Site]:
    """The cluster at `options.address`: where packs go there. Raises InputError."""
    share = options.gpus_per_pack
    with cluster(options.address, shared_gpus=bool(share and share < 1)):
        types, most = _node_types()
        yield choose_site(
            _nodes(),
            types,
            most=most,
            cpus_per_pack=options.cpus_per_pack,
            gpus_per_pack=share,
            gpu_type=options.gpu_type,
            use_head=options.use_head,
        )


def _nodes() -> list[Node]:
    """The machines that are up."""
    found = []
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        resources = node["Resources"]
        name = node["NodeManagerHostname"]
        if node["NodeManagerAddress"] not in (name, "127.0.0.1"):
            name = f"{name} ({node['NodeManagerAddress']})"
        found.append(
            Node(
                node["NodeID"],
                name,
                resources.get("CPU", 0.0),
                resources.get("GPU", 0.0),
                head=_HEAD in resources,
                gpu_type=_gpu_type(resources),
            )
        )
    return found


def _gpu_type(resources: Mapping[str, float]) -> str | None:
    """Ray's name of a machine's accelerator, which it keeps as a resource."""
    return next((name.removeprefix(_GPU_TYPE) for name in resources if name.startswith(_GPU_TYPE)), None)


def _node_types() -> tuple[list[NodeType], int | None]:
    """What the autoscaler may bring, and how many in all: from the file that `ray up` leaves on the head.

    Ray tells a driver what its cluster is and not what it may become.
    """
    try:
        config = yaml.safe_load(Path(_BOOTSTRAP).expanduser().read_text())
        most = int(config.get("max_workers", 0))
        kinds = dict(config["available_node_types"])
        kinds.pop(config.get("head_node_type"), None)
        types = [
            NodeType(
                name,
                float(kind["resources"].get("CPU", 0)),
                float(kind["resources"].get("GPU", 0)),
                min(most, int(kind.get("max_workers", most))),
                _gpu_type(kind["resources"]),
            )
            for name, kind in kinds.items()
        ]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        return [], None
    return [kind for kind in types if kind.most], most


@dataclass(frozen=True)
class Vetted:
    """The nodes that were asked, what they were held against, and what a late one is to be asked."""

    nodes: frozenset[str]
    here: Answer
    question: Question

    def __hash__(self) -> int:
        return hash(self.nodes)


def check_nodes(site: Site, options: Options, infos: Mapping[str, DataInfo]) -> Vetted:
    """Ask every machine that will train for its versions and the results. Raises InputError that names it.

    The machines are asked at once, and all of them have `_ANSWER_SECONDS`: a bucket that is firewalled
    off answers nothing at all. One that is lost meanwhile is no trouble; it is asked when it returns.
    """
    here = Answer(versions(), {name: info.fingerprint for name, info in infos.items()})
    question = ask(options.results, options.data_dir)
    try:
        answers = _answers_of(site.nodes, question, _ANSWER_SECONDS)
        for node, answer in answers.items():
            if problem := trouble(here, answer, node.name, question) or unseen(question, node.name, answer):
                raise InputError(problem)
    finally:
        withdraw(question)
    late = replace(question, token=None, datasets=tuple(infos))
    return Vetted(frozenset(node.node_id for node in answers), here, late)


def read_data(vetted: Vetted, site: Site) -> None:
    """Have the machines read the data, each on its own: fetched and decoded once. Raises InputError."""
    question = ask(vetted.question.results, vetted.question.data_dir, vetted.question.datasets)
    try:
        for node, answer in _answers_of(site.nodes, question, _DATA_SECONDS).items():
            if problem := trouble(vetted.here, answer, node.name, question):
                raise InputError(problem)
    finally:
        withdraw(question)


def calibrator(site: Site) -> Calibrate:
    """Times training on a machine that will train: a head without a GPU cannot say how fast one is.

    The function raises where none is up, where none is free soon, or when its time for all is up.
    """
    end: list[float] = []

    def calibrate(*arguments: Any) -> float:
        if not site.nodes:
            raise RuntimeError("no machine that trains is up yet")
        first = not end
        if first:
            end.append(time.monotonic() + _CALIBRATION_SECONDS)
        left = _FREE_SECONDS if first else max(0.0, end[0] - time.monotonic())
        each = site.resources
        task = _on(site.nodes[0].node_id, calibrate_here, each.cpus, each.gpus).remote(*arguments)
        try:
            return float(ray.get(task, timeout=left))
        except BaseException:
            ray.cancel(task, force=True)
            raise

    return calibrate


def late_trouble(vetted: Vetted) -> str | None:
    """On a worker: what is wrong with its node; None where all is well.

    The versions are compared on every node, for a checkout can be synced anew under a running sweep; the
    rest where the node was not asked before.
    """
    asked = ray.get_runtime_context().get_node_id() in vetted.nodes
    here = Answer(versions(), {}) if asked else probe(vetted.question)
    question = replace(vetted.question, datasets=()) if asked else vetted.question
    name = socket.gethostname() + (" (a worker started anew)" if asked else _LATE)
    return trouble(vetted.here, here, name, question)


def late_nodes_trouble(vetted: Vetted, site: Site) -> str | None:
    """On the driver, when a worker could not even start: what is wrong with the nodes that came late."""
    asked, question = [*vetted.nodes, site.avoid], replace(vetted.question, datasets=())
    late = [node for node in _nodes() if node.node_id not in asked and node.cpus]
    nodes = [replace(node, name=node.name + _LATE) for node in late]
    try:
        for node, answer in _answers_of(nodes, question, _ANSWER_SECONDS).items():
            if problem := trouble(vetted.here, answer, node.name, question):
                return problem
    except InputError as error:
        return str(error)
    return None


def this_node() -> Any:
    """A scheduling strategy: on the driver's own machine or not at all."""
    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _on(node_id: str, function: Any, cpus: float = 0, gpus: float = 0) -> Any:
    """The function as a task on that node or nowhere, tried once."""
    here = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0, scheduling_strategy=here)(function)


def _answers_of(nodes: Iterable[Node], question: Question, seconds: float) -> dict[Node, Answer]:
    """What the nodes say, without those lost meanwhile. Raises InputError that names the first bad one.

    Every answer is waited for before any is judged, so that nobody writes after the question is withdrawn.
    """
    asked = {node: _on(node.node_id, probe).remote(question) for node in nodes}
    if asked:
        _, silent = ray.wait(list(asked.values()), num_returns=len(asked), timeout=seconds)
        for reference in silent:
            ray.cancel(reference, force=True)
    answers = {node: _answer(reference, node.name, seconds) for node, reference in asked.items()}
    return {node: answer for node, answer in answers.items() if answer is not None}


def _answer(reference: Any, name: str, seconds: float) -> Answer | None:
    """What a node said; None where it was lost. Raises InputError where it said nothing that makes sense."""
    try:
        answer: Answer = ray.get(reference, timeout=0.1)
        return answer
    except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
        return None
    except (ray.exceptions.GetTimeoutError, ray.exceptions.TaskCancelledError):
        raise InputError(
            f"node {name} gave no answer within {seconds:g} s: it is overloaded, or cannot reach the "
            "results or the data. Look at it, or take it out of the cluster, and run again."
        ) from None
    except ray.exceptions.RayError as error:
        text = str(error)
        lacks = "No module named" in text or "failed to import" in text
        reason = "does not have this product installed" if lacks else f"cannot take part: {last_line(text)}"
        raise InputError(
            f"node {name} {reason}. Install the same version there (pip install -e . in a copy of this "
            "checkout) and run again."
        ) from None
