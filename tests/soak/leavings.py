"""Processes below a run, and what Ray leaves behind when its driver is killed."""

import os
import signal
import time
from pathlib import Path

from tests.helpers.processes import descendants

family = descendants


def bury(mark):
    """Nothing of a run may write after its end: Ray's leavings are given a moment, then killed. `mark`: what
    stands in the environment of all of them."""
    end = time.monotonic() + 20
    while (left := _leavings(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def _leavings(mark):
    found = []
    for pid, line in descendants(1).items():
        if ("ray::" in line or "raylet" in line) and pid != os.getpid():
            try:
                if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    found.append(pid)
            except OSError:
                continue
    return found
