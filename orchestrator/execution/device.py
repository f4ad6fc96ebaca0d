"""Whether this process can compute on its device: Ray promises GPUs that their driver may not reach.

A machine whose CUDA does not work would fail pack after pack within seconds, faster than the others train.
"""

import functools
import subprocess
import sys

from model.errors import last_line, reason
from orchestrator.execution.failures import out_of_memory

_SIDE = 64
_SECONDS = 120


class DeviceError(Exception):
    """The device cannot be used, whatever is trained on it: no failure of a trial's own."""


class SpoiledError(Exception):
    """This process can compute no more on a device that other processes can use: an error in a kernel, of
    whichever pack, has ended CUDA for all of it."""


@functools.lru_cache(maxsize=16)
def device_trouble(device: str) -> str | None:
    """What stands in the way of computing on "cpu", "cuda" or "cuda:N" here; None where nothing does.

    Memory that others have taken is no trouble of the device.
    """
    return _trouble(device)


def spoiled(device: str) -> bool:
    """After an error on a device that another process can use: whether this one can use it no more."""
    return _trouble(device) is not None


def _trouble(device: str) -> str | None:
    if device == "cpu":
        return None
    from model.streams import exclusive

    with exclusive():  # it waits for the device
        return _tried(device)


def _tried(device: str) -> str | None:
    import torch

    try:
        ones = torch.ones(_SIDE, _SIDE, device=device)
        total = float((ones @ ones).sum())
    except Exception as error:
        return None if out_of_memory(error) else f"its GPU cannot be used: {reason(error)}"
    if total != _SIDE**3:
        return f"its GPU computes wrongly: a sum of {_SIDE**3} is {total:g} there"
    return None


def refuse_broken(device: str) -> None:
    """After an error on a device: raises DeviceError where a process of its own cannot compute there either.

    Asked of another process because one illegal access spoils all that its own process does from then on.
    """
    if device == "cpu":
        return
    command = [sys.executable, "-m", "orchestrator.execution.device", device]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise DeviceError(f"its GPU does not answer within {_SECONDS} s") from None
    if asked.returncode:
        raise DeviceError(last_line(asked.stdout) or "its GPU cannot be used")


if __name__ == "__main__":
    if problem := device_trouble(sys.argv[1]):
        print(problem)
        sys.exit(1)
