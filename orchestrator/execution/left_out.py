"""A place on a node that takes no packs: kept, so that Ray gives it no more, until all is well there or over.

On the worker. Who may come back (storage that answers again, data that can be read by now) looks from time to
time; a GPU that does not work stays out.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import ray
from ray import tune
from ray.actor import ActorHandle

from orchestrator.execution.device import DeviceError
from orchestrator.execution.worker import PATIENCE

_WAIT = 1.0  # seconds between two questions to the dispatcher
_LOOK = min(15.0, PATIENCE)  # seconds between two looks whether all is well again


@dataclass(frozen=True)
class NodeTrouble:
    """`said`: which node and why. `gpu`: it is that of the GPU lent there. `storage`: of the results, which
    the driver may have as well. `worked`: a pack got on there before. `well`: whether it is over; None where
    it never is."""

    said: str
    gpu: bool = False
    storage: bool = False
    worked: bool = False
    well: Callable[[], bool] | None = None


def leave_out(dispatcher: ActorHandle, trial_id: str, trouble: NodeTrouble) -> bool:
    """Take no packs until all is well (True), or until nothing is left to train or nobody trains (False).

    Raises DeviceError where all others are idle, by which Tune places it anew.
    """
    ray.get(dispatcher.leave_out.remote(trial_id, gpu=trouble.gpu, worked=trouble.worked))
    node = "" if trouble.well is None else socket.gethostname()
    tune.report({"left_out": trouble.said, "storage": trouble.storage, "node": node})
    next_look = time.monotonic() + _LOOK
    while True:
        verdict = ray.get(dispatcher.left_out.remote())
        if verdict == "leave" or (verdict == "stay" and time.monotonic() >= next_look):
            if trouble.well is not None and trouble.well():
                tune.report({"back": trouble.said})
                return True
            next_look = time.monotonic() + _LOOK
        if verdict == "leave":
            raise DeviceError(trouble.said)
        if verdict != "stay":
            break
        time.sleep(_WAIT)
    stop = {"stop": f"{trouble.said}; and no other machine trains"}
    tune.report(stop if verdict == "alone" else {"interrupted": True})
    return False
