"""The report of a sweep that still runs, made anew every half minute.

A thread of the driver, which mostly waits for Ray. A page that takes long to make (thousands of trials)
is made more seldom, so that it takes a twentieth of the time at most: it holds up the thread that hands out
packs. A page that cannot be made is no reason to stop training.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SECONDS = 30.0
_SHARE = 20.0


@contextmanager
def refreshing(make: Callable[[], object], seconds: float = _SECONDS) -> Iterator[None]:
    """Call `make` every `seconds` while the block runs, never twice at once."""
    over = threading.Event()

    def loop() -> None:
        wait = seconds
        while not over.wait(wait):
            begun = time.monotonic()
            with suppress(Exception):
                make()
            wait = max(seconds, _SHARE * (time.monotonic() - begun))

    thread = threading.Thread(target=loop, name="live report", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
