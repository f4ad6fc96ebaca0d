"""Packs in this process, without Ray: one after another, or on a GPU several at once.

Several packs of one process share a GPU without taking turns, each in a thread with a CUDA stream of its
own; processes would take turns on it. On a CPU one pack at a time is what a debugger wants.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

from model.errors import summary
from orchestrator.execution.dispatcher import Dispatcher
from orchestrator.execution.executor import Listener, Work
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.worker import Job, Stopped, given_up, run_pack
from orchestrator.results.files import StorageError


def run_inline(
    work: Sequence[Work], listener: Listener, interrupt: Interrupt, *, at_once: int = 1, gpus: int = 0
) -> None:
    """Train every pack; a failing one is tried again up to its job's `max_failures`, then left.

    `at_once`: packs that train side by side, spread over `gpus` GPUs.
    """
    seats = [_Seat(number, listener, interrupt, gpus) for number in range(at_once)]
    dispatcher = Dispatcher([item.job for item in work])
    lock = threading.Lock()
    if at_once == 1:
        seats[0].run(dispatcher, lock)
        return
    threads = [
        threading.Thread(target=seat.run, args=(dispatcher, lock), name=f"pack {seat.number}", daemon=True)
        for seat in seats
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.05)  # and not join: signals are handled in this thread
    for seat in seats:
        if seat.error is not None:
            raise seat.error


class _Seat:
    """One place for a pack; takes the next when the last has ended. Listeners hear one seat at a time."""

    def __init__(self, number: int, listener: Listener, interrupt: Interrupt, gpus: int) -> None:
        self.number, self.error = number, None
        self._listener, self._interrupt, self._gpus = listener, interrupt, gpus

    error: BaseException | None

    def run(self, dispatcher: Dispatcher, lock: threading.Lock) -> None:
        """Packs until there are none, or until an interrupt."""
        self._lock = lock
        turn = 0
        try:
            while not self._interrupt.requested:
                name = f"{self.number}/{turn}"
                with lock:
                    taken = dispatcher.take(name, gpus=self._gpus)
                if taken is None:
                    return
                self._attempts(*taken)
                with lock:
                    dispatcher.release(name)
                turn += 1
        except Stopped:
            return
        except StorageError as error:
            self._interrupt.abort(str(error))
        except BaseException as error:
            self.error = error
            if self.number or threading.current_thread() is not threading.main_thread():
                self._interrupt.abort(str(error))
                return
            raise

    def _attempts(self, index: int, job: Job) -> None:
        self._tell("started", index)
        while not self._interrupt.requested:
            try:
                run_pack(job, lambda metrics: self._report(index, metrics))
            except (Stopped, StorageError):
                raise
            except Exception as error:  # recorded by run_pack; one bad pack must not end the sweep
                last = given_up(job) is not None
                self._tell("failed" if last else "retrying", index, summary(error))
                if last:
                    return
            else:
                self._tell("finished", index)
                return

    def _report(self, index: int, metrics: dict[str, Any]) -> None:
        if "warning" in metrics:
            self._tell("warned", index, metrics["warning"])
        if "epoch" in metrics:
            self._tell("epoch", index, metrics)
            if self._interrupt.requested:
                raise Stopped

    def _tell(self, event: str, *what: Any) -> None:
        with self._lock:
            getattr(self._listener, event)(*what)
