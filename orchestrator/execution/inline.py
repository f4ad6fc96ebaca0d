"""Packs in this process, without Ray: one after another, or on a GPU several at once.

Several packs of one process share a GPU, each in a thread with a CUDA stream of its own; processes would
take turns on it. The ten packs of `fig1` together trained 2.1 times as many images a second as one by one
(H200, torch 2.11, docs/gpu.md). On a CPU one pack at a time is what a debugger wants.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from model.errors import summary
from model.queues import quick_switches
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.device import DeviceError, SpoiledError
from orchestrator.execution.dispatcher import LATER, Dispatcher
from orchestrator.execution.events import EpochEnd, Listener, Trained, Warned
from orchestrator.execution.failures import given_up
from orchestrator.execution.signals import Interrupt
from orchestrator.execution.worker import Stopped, run_pack, store_of
from orchestrator.planning.order import After
from orchestrator.results.storage_errors import StorageError

#: Seconds between two looks of a seat that waits for another's pack.
_WAIT = 0.05


def run_inline(
    assignments: Sequence[Assignment],
    listener: Listener,
    interrupt: Interrupt,
    *,
    at_once: int = 1,
    gpus: int = 0,
    after: After = (),
) -> None:
    """Train every pack; a failing one is tried again up to its `max_failures`, then left.

    `at_once`: packs that train side by side, spread over `gpus` GPUs. `after`: see `Dispatcher`.
    """
    seats = [_Seat(number, listener, interrupt, gpus) for number in range(at_once)]
    dispatcher = Dispatcher(assignments, after)
    lock = threading.Lock()
    if at_once == 1:
        seats[0].run(dispatcher, lock)
        return
    threads = [
        threading.Thread(target=seat.run, args=(dispatcher, lock), name=f"pack {seat.number}", daemon=True)
        for seat in seats
    ]
    with quick_switches():
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
        self.number = number
        self.error: BaseException | None = None
        self._listener, self._interrupt, self._gpus = listener, interrupt, gpus

    def run(self, dispatcher: Dispatcher, lock: threading.Lock) -> None:
        """Packs until there are none, or until an interrupt."""
        self._lock = lock
        taken_before = 0
        try:
            while not self._interrupt.requested:
                name = f"{self.number}/{taken_before}"
                with lock:
                    taken = dispatcher.take(name, gpus=self._gpus)
                if taken is None:
                    return
                if taken == LATER:
                    time.sleep(_WAIT)
                    continue
                trained = self._attempts(taken[0], self._placed(taken[1]))
                with lock:
                    dispatcher.release(name)
                    dispatcher.ended(name, trained=trained)
                taken_before += 1
        except Stopped:
            return
        except StorageError as error:
            self._interrupt.abort(str(error))
        except DeviceError as error:
            self._interrupt.abort(f"on this machine {error}")
        except SpoiledError as error:
            self._interrupt.abort(f"{error}. Run the same command again to go on")
        except BaseException as error:
            self.error = error
            if self.number or threading.current_thread() is not threading.main_thread():
                self._interrupt.abort(str(error))
                return
            raise

    def _placed(self, assignment: Assignment) -> Assignment:
        """On the GPU that the dispatcher chose, of several."""
        return replace(assignment, device=f"cuda:{assignment.gpu}") if self._gpus > 1 else assignment

    def _attempts(self, index: int, assignment: Assignment) -> bool:
        """Whether the pack was trained."""
        with self._lock:
            self._listener.started(index)
        while not self._interrupt.requested:
            try:
                run_pack(assignment, lambda event: self._report(index, event), self._interrupt.until)
            except (Stopped, StorageError, DeviceError, SpoiledError):
                with self._lock:
                    self._listener.stopped(index)
                raise
            except Exception as error:  # recorded by run_pack; one bad pack must not end the sweep
                if given_up(store_of(assignment), assignment) is not None:
                    with self._lock:
                        self._listener.failed(index, summary(error))
                    return False
                with self._lock:
                    self._listener.retrying(index, summary(error))
            else:
                with self._lock:
                    self._listener.finished(index)
                return True
        return False

    def _report(self, index: int, event: EpochEnd | Warned | Trained) -> None:
        match event:
            case Warned(warning):
                with self._lock:
                    self._listener.warned(index, warning)
            case EpochEnd():
                with self._lock:
                    self._listener.epoch(index, event)
                if self._interrupt.requested and not event.last:
                    raise Stopped
            case Trained():  # told as finished
                pass
