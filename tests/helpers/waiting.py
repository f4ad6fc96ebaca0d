"""Waiting for something to become so; no test sleeps for a time in the hope that it has."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds after which something hangs. It bounds a failure and claims nothing about speed: what a quiet machine
#: does in ten took ninety beside other tests.
HANGS = 400.0


def until(
    condition: Callable[[], T],
    seconds: float = HANGS,
    what: str = "what was waited for",
    *,
    explain: Callable[[], str] = str,
    every: float = 0.05,
) -> T:
    """What `condition` gives, once it is true. Fails after so many seconds, with `what` and `explain()`."""
    end = time.monotonic() + seconds
    while not (given := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}\n{explain()}")
        time.sleep(every)
    return given
