"""One process for all packs of a GPU, each in a thread with a CUDA stream of its own.

Processes that share a GPU take turns on it, and threads of one process run side by side (docs/gpu.md).
Knows no Ray. Whoever has begun a pack asks for what happens to it, event by event, and each question lets
the pack go on from the event before: it never trains an epoch that nobody may want.
"""

import copy
import os
import pickle
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.errors import summary
from model.queues import switch_quickly
from orchestrator.execution.assignment import Assignment
from orchestrator.execution.events import EpochEnd, Trained, Warned
from orchestrator.execution.worker import Stopped, attempt

if TYPE_CHECKING:  # it imports Ray
    from orchestrator.cluster.preflight import Trouble


@dataclass(frozen=True)
class Ended:
    """A pack trains no more. `given_up`: the failure of one that was not begun, for its attempts are used up;
    `error`: what ended it; `stopped`: before its time. None of them where it was trained."""

    given_up: str | None = None
    error: Exception | None = None
    stopped: bool = False


Said = EpochEnd | Warned | Trained | Ended


class Host:
    """Packs by their index in the plan.

    `gpu`: which of the node's this process has; `arrives`: whether the node may take part, and finds the
    user's code. Made before CUDA starts in this process.
    """

    def __init__(self, gpu: int, arrives: Callable[[], "Trouble | None"]) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = one_of(os.environ.get("CUDA_VISIBLE_DEVICES"), gpu)
        switch_quickly()
        self._arrives, self._packs = arrives, dict[int, _Pack]()

    def begin(self, index: int, assignment: Assignment) -> "Trouble | None":
        """Start to train a pack; or what is wrong with this node."""
        if (problem := self._arrives()) is None:
            self.end(index)
            self._packs[index] = _Pack(assignment, f"pack {index}")
        return problem

    def go_on(self, index: int) -> Said:
        """Let the pack go on, and wait for what it says next; `Ended` is the last."""
        return self._packs[index].next()

    def leave(self, index: int, seconds: float) -> None:
        """Have the pack end with its epoch, where that takes no longer than so, or else within it."""
        if (pack := self._packs.get(index)) is not None:
            pack.until = time.monotonic() + seconds

    def end(self, index: int) -> None:
        """Stop the pack soon, saved, and wait for that. It may have ended, or never begun."""
        if (pack := self._packs.pop(index, None)) is not None:
            pack.end()


class _Pack:
    """A pack in a thread, which waits after each event until it is asked for the next."""

    def __init__(self, assignment: Assignment, name: str) -> None:
        self._said = queue.SimpleQueue[Said]()
        self._may_go_on = threading.Semaphore(0)
        self._waited_for = False
        self._stopping = False
        self.until: float | None = None
        self._thread = threading.Thread(target=self._run, args=(assignment,), name=name, daemon=True)
        self._thread.start()

    def next(self) -> Said:
        if self._waited_for:
            self._may_go_on.release()
        self._waited_for = True
        return self._said.get()

    def end(self) -> None:
        """Within the epoch that it is in: whoever begins it anew goes on there."""
        self._stopping, self.until = True, time.monotonic()
        self._may_go_on.release()
        self._thread.join()

    def _run(self, assignment: Assignment) -> None:
        try:
            ended = Ended(attempt(assignment, self._report, lambda: self.until))
        except Stopped:
            ended = Ended(stopped=True)
        except Exception as error:
            ended = Ended(error=_alone(error))
        self._said.put(ended)

    def _report(self, event: EpochEnd | Warned | Trained) -> None:
        self._said.put(event)
        if not self._stopping:
            self._may_go_on.acquire()
        if self._stopping:
            raise Stopped


def _alone(error: Exception) -> Exception:
    """As it can be sent, and without what it came of: frames that would keep a pack's tensors."""
    try:
        pickle.dumps(error)
        return copy.copy(error)  # made anew from its arguments, as whoever is sent it will
    except Exception:  # of a user's own code, and as they are made there
        return RuntimeError(summary(error))


def one_of(visible: str | None, gpu: int) -> str:
    """What CUDA_VISIBLE_DEVICES has to say for a process to see but the one with this number of those in
    `visible`; nothing where there is none."""
    if visible is None:
        return str(gpu)
    names = visible.split(",")
    return names[gpu].strip() if gpu < len(names) else ""
