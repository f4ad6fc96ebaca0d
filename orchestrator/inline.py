"""Packs one after another in this process, without Ray."""

from collections.abc import Sequence
from typing import Any

from orchestrator.execution import Listener, Work
from orchestrator.files import StorageError
from orchestrator.interrupt import Interrupt
from orchestrator.trainable import Stopped, run_pack


def run_inline(work: Sequence[Work], listener: Listener, interrupt: Interrupt) -> None:
    """Train every pack; a failing one is tried again up to its job's `max_failures`, then left."""
    for index, item in enumerate(work):
        if interrupt.requested:
            return
        listener.started(index)
        try:
            _attempts(index, item, listener, interrupt)
        except Stopped:
            return
        except StorageError as error:
            interrupt.abort(str(error))
            return


def _attempts(index: int, item: Work, listener: Listener, interrupt: Interrupt) -> None:
    def report(metrics: dict[str, Any]) -> None:
        if "warning" in metrics:
            listener.warned(index, metrics["warning"])
        if "epoch" in metrics:
            listener.epoch(index, metrics)
            if interrupt.requested:
                raise Stopped

    for attempt in range(1, item.job.max_failures + 1):
        try:
            run_pack(item.job, report)
        except (Stopped, StorageError):
            raise
        except Exception as error:  # recorded by run_pack; one bad pack must not end the sweep
            message = f"{type(error).__name__}: {error}"
            if attempt == item.job.max_failures:
                listener.failed(index, message)
            else:
                listener.retrying(index, message)
        else:
            listener.finished(index)
            return
