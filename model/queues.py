"""What packs of one process need to use a GPU at once: settings, one of them made before CUDA starts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Environment variable and value. A process has 8 hardware queues by default, and streams that share one
#: wait for each other; 32 is the most there is. Set where it is not set already.
CUDA_QUEUES = ("CUDA_DEVICE_MAX_CONNECTIONS", "32")
#: Seconds after which a thread that computes gives up the interpreter. Ten packs on a GPU each need it for
#: microseconds every few milliseconds, and one that writes a report or a checkpoint must not starve them.
_SWITCH_SECONDS = 0.0005


def switch_quickly() -> None:
    """From now on threads of this process give up the interpreter soon."""
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))


@contextmanager
def quick_switches() -> Iterator[None]:
    """Threads give up the interpreter soon meanwhile."""
    usual = sys.getswitchinterval()
    switch_quickly()
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
