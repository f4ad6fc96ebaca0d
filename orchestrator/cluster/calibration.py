"""How fast packs train on a machine of the cluster: a head without a GPU cannot say how fast one is."""

import time

import ray

from model.data.dataset import DataInfo
from model.spec import Spec
from orchestrator.cluster.nodes import on_node
from orchestrator.cluster.own_code import Sources, receive
from orchestrator.planning.resources import Site
from orchestrator.planning.throughput import Calibrate, calibrate_here

_FREE_SECONDS = 20  # until a machine is free for the first calibration
_CALIBRATION_SECONDS = 60  # for all of them


def calibrator(site: Site, sent: Sources) -> Calibrate:
    """Times training on a machine that will train. `sent`: code of the user's own that it needs for that.

    The function raises where none is up, where none is free soon, or when its time for all is up.
    """
    end: list[float] = []

    def calibrate(spec: Spec, replicas: int, info: DataInfo, device: str, threads: int) -> float:
        if not site.nodes:
            raise RuntimeError("no machine that trains is up yet")
        first = not end
        if first:
            end.append(time.monotonic() + _CALIBRATION_SECONDS)
        left = _FREE_SECONDS if first else max(0.0, end[0] - time.monotonic())
        each = site.resources
        timed = on_node(site.nodes[0].node_id, _calibrate, each.cpus, each.gpus)
        task = timed.remote(sent, spec, replicas, info, device, threads)
        try:
            return float(ray.get(task, timeout=left))
        except BaseException:
            ray.cancel(task, force=True)
            raise

    return calibrate


def _calibrate(sent: Sources, spec: Spec, replicas: int, info: DataInfo, device: str, threads: int) -> float:
    """On the node."""
    receive(sent)
    return calibrate_here(spec, replicas, info, device, threads)
