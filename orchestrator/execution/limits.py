"""A run's own limits: after so many hours, or for so much money, it ends as after Ctrl-C, all of it saved.

The clock begins with the run, and money with the machines: every GPU that is up is paid for, whether it
trains or waits. Running packs end with their epoch, or within it where the rest takes long (`MOMENT`).
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable
from typing import Self

from model.errors import InputError
from orchestrator.execution.signals import Interrupt
from orchestrator.planning.resources import Site

_LOOK = 5.0  # seconds between two looks


class Limits:
    """A context manager around a run. `hours`: of the wall clock; `most`: money, at `price` a GPU-hour; None
    for no limit. `up`: GPUs that are up now; None where no Ray says so."""

    def __init__(
        self,
        interrupt: Interrupt,
        *,
        hours: float | None = None,
        most: float | None = None,
        price: float | None = None,
        up: Callable[[], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interrupt, self._hours, self._most, self._price = interrupt, hours, most, price
        self._up, self._clock = up or gpus_up, clock
        self._begun = self._looked = clock()
        self._spent = 0.0
        self._site: Site | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="limits", daemon=True)

    def __enter__(self) -> Self:
        if self._hours is not None or self._most is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def trains_on(self, site: Site) -> None:
        """Where it trains from now on. Raises InputError where money is limited and none is spent."""
        if self._most is not None and not any(group.gpus for group in site.fleet):
            raise InputError(
                "--max-cost counts GPU-hours, and no machine here has a GPU; --stop-after ends a run by "
                "the clock"
            )
        self._site = site

    def look(self) -> None:
        """Reckon what was spent since the last look, and ask for the end where a limit is reached."""
        now = self._clock()
        since, self._looked = now - self._looked, now
        self._spent += (self._price or 0.0) * self._gpus() * since / 3600
        if self._hours is not None and now - self._begun >= 3600 * self._hours:
            self._reached(f"{self._hours:g} hours have passed (--stop-after)")
        elif self._most is not None and self._spent >= self._most:
            self._reached(f"about {self._spent:.2f} has been spent (--max-cost {self._most:g})")

    def _gpus(self) -> float:
        if (up := self._up()) is not None:
            return up
        return sum(group.count * group.gpus for group in self._site.fleet) if self._site else 0.0

    def _reached(self, said: str) -> None:
        if not self._interrupt.requested:
            print(
                f"{said}: every running pack ends with its epoch, or soon within it, and is saved",
                file=sys.stderr,
                flush=True,
            )
        self._interrupt.limit = self._interrupt.limit or said

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            self.look()


def gpus_up() -> float | None:
    """GPUs of all machines of the Ray that this process is part of; None where it is part of none."""
    if (ray := sys.modules.get("ray")) is None or not ray.is_initialized():
        return None
    from orchestrator.cluster.nodes import nodes_up

    try:
        return sum(node.gpus for node in nodes_up())
    except Exception:  # it is being left
        return None


def limits_of(arguments: argparse.Namespace, interrupt: Interrupt) -> Limits:
    """Those of a command line. Raises InputError."""
    price, most = arguments.price_per_gpu_hour, arguments.max_cost
    if most is not None and price is None:
        raise InputError("--max-cost needs --price-per-gpu-hour: what a GPU costs for an hour")
    return Limits(interrupt, hours=arguments.stop_after, most=most, price=price)
