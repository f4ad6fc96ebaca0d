"""How fast packs train on a machine of the cluster, by whose kernels and how many on a GPU: a head without
one cannot say."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayTaskError

from model.data.dataset import DataInfo
from model.kernels import Kernels
from model.queues import CUDA_QUEUES
from model.spec import Spec
from orchestrator.cluster.nodes import on_node
from orchestrator.cluster.own_code import Sources, receive
from orchestrator.planning.kernel_timing import go_on, nobody, time_here
from orchestrator.planning.kernels import Chosen, Timings
from orchestrator.planning.packs_per_gpu import Ladder
from orchestrator.planning.resources import NoMachineError, Site
from orchestrator.planning.side_by_side import climb_here
from orchestrator.planning.throughput import Calibrate, calibrate_here

_NONE_UP = "no machine that trains is up yet"
#: Seconds for the first calibration, which also waits until a machine is free. One that has just booted reads
#: torch from a cold disk and, where it has a GPU, starts CUDA and compiles kernels: a guess, not measured.
_FIRST_SECONDS = {"cpu": 20, "cuda": 120}
_CALIBRATION_SECONDS = {"cpu": 60, "cuda": 240}  # for all of them
_LADDER_SECONDS = 360  # until packs have been timed side by side, waiting for a machine included
_LOOK = 0.5  # seconds between two looks whether somebody has ended it


def calibrator(site: Site, sent: Sources, ended: Callable[[], bool] = nobody) -> Calibrate:
    """Times training on a machine that will train. `sent`: code of the user's own that it needs for that;
    `ended`: asked now and then whether to end it, or raises.

    The function raises where none is up, where none is free soon, or when its time for all is up.
    """
    end: list[float] = []

    def calibrate(
        spec: Spec, replicas: int, info: DataInfo, device: str, threads: int, kernels: Kernels | None
    ) -> float:
        first = not end
        if first and site.nodes:
            end.append(time.monotonic() + _CALIBRATION_SECONDS[device])
        left = _FIRST_SECONDS[device] if first else max(0.0, end[0] - time.monotonic())
        what = spec, replicas, info, device, threads, kernels
        return float(_asked(site, sent, left, ended, calibrate_here, *what))

    return calibrate


def climb_there(
    site: Site,
    sent: Sources,
    packs: Sequence[tuple[Spec, int]],
    infos: Mapping[str, DataInfo],
    counts: Sequence[int],
    chosen: Chosen,
    ended: Callable[[], bool] = nobody,
) -> Ladder:
    """`climb_here` on a GPU of a machine that will train. Raises what `calibrator` gives raises."""
    each = site.resources
    what = packs, infos, each.device, each.threads, counts, chosen
    ladder: Ladder = _asked(site, sent, _LADDER_SECONDS, ended, climb_here, *what)
    return ladder


def time_there(
    site: Site,
    sent: Sources,
    infos: Mapping[str, DataInfo],
    cells: Sequence[tuple[Spec, int]],
    kernels: Sequence[Kernels],
    seconds: float,
    ended: Callable[[], bool] = nobody,
) -> Timings:
    """`time_here` on a GPU of a machine that will train. Raises what `calibrator` gives raises."""
    each = site.resources
    what = infos, each.device, each.threads, cells, kernels, seconds
    timings: Timings = _asked(site, sent, _FIRST_SECONDS[each.device] + 2 * seconds, ended, time_here, *what)
    return timings


def _asked(
    site: Site,
    sent: Sources,
    seconds: float,
    ended: Callable[[], bool],
    function: Callable[..., Any],
    *what: Any,
) -> Any:
    """What `function` gives on a machine that will train, with what a pack has of it."""
    if not site.nodes:
        raise NoMachineError(_NONE_UP)
    each = site.resources
    there = on_node(site.nodes[0].node_id, _there, each.cpus, each.gpus)
    return _answer(there.remote(sent, each.device, function, *what), seconds, ended)


def _answer(task: "ray.ObjectRef[Any]", seconds: float, ended: Callable[[], bool]) -> Any:
    """What it gives within that time; else it is cancelled, and this raises. Raises what it raises."""
    end = time.monotonic() + seconds
    try:
        while not ray.wait([task], timeout=_LOOK)[0]:
            go_on(ended)
            if time.monotonic() >= end:
                raise TimeoutError(f"no answer within {seconds:.0f} s")
        return ray.get(task)
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
    except BaseException:
        ray.cancel(task, force=True)
        raise


def _begin(sent: Sources, device: str) -> None:
    """On the node. Raises RuntimeError where its GPU cannot be used, which is that node's trouble alone."""
    os.environ.setdefault(*CUDA_QUEUES)
    receive(sent)
    if device != "cpu":
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError("the GPU of the machine that was asked cannot be used")


def _there(sent: Sources, device: str, function: Callable[..., Any], *what: Any) -> Any:
    """On the node."""
    _begin(sent, device)
    return function(*what)
