"""Where do random numbers come from, so that a run can be cut, packed and moved without changing?

Every stream is named by (seed, what, epoch) and starts anew there. Nothing about random state is ever
saved: a resumed epoch draws what the uninterrupted one drew, and a replica draws the same numbers
whichever seeds it is packed with. All numbers are drawn on the CPU, so that devices agree.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_drawing = threading.RLock()


def stream(seed: int, what: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator for one purpose. SHA-256 makes neighbouring seeds and epochs unrelated streams."""
    digest = hashlib.sha256(f"{seed}/{what}/{epoch}".encode()).digest()
    generator = torch.Generator()
    generator.manual_seed(int.from_bytes(digest[:8], "little"))
    return generator


@contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """torch's own CPU generator starts from `seed`, and afterwards goes on as if nothing had been drawn.

    For code of others, which takes no generator. It is the process's: threads that use it wait for each
    other.
    """
    with _drawing:
        before = torch.default_generator.get_state()
        torch.default_generator.manual_seed(seed)
        try:
            yield
        finally:
            torch.default_generator.set_state(before)
