"""The report of a sweep that still runs, made anew every half minute.

A thread of the driver, which mostly waits for Ray. A page that takes long to make (thousands of trials)
is made more seldom, so that it never takes more than a twentieth of the time (it takes the
interpreter from the thread that hands out packs: measured as a third of the driver's processor time at a
tenth); a page that cannot be made is no reason to stop training.
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
