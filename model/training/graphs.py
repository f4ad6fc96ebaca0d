"""CUDA graphs: steps captured once and replayed, beside other packs that do the same in other threads."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import torch

from model.streams import gc_paused


@dataclass(frozen=True)
class CudaGraphs:
    """How steps become graphs. All of it on the current stream of the current device.

    `steps`: of one graph. `marks`: steps between two marks in the stream; the host is never further ahead
    than two marks.
    """

    steps: int = 8
    marks: int = 48

    def capture(
        self, work: Callable[[], None], beside: torch.cuda.CUDAGraph | None = None
    ) -> torch.cuda.CUDAGraph:
        """`beside`: a graph that never runs at the same time, whose memory this one may use too.

        Not by torch.cuda.graph, which waits for the whole device first: other packs have work queued.
        """
        graph = torch.cuda.CUDAGraph()
        pool = None if beside is None else beside.pool()
        with gc_paused():
            # "thread_local": what other packs do in other threads meanwhile must not spoil the capture
            graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                work()
            except BaseException:
                with suppress(RuntimeError):  # the capture's own complaint would hide the reason
                    graph.capture_end()
                raise
            graph.capture_end()
        return graph

    def settle(self) -> None:
        """Wait for what is queued, and give back the memory that cuDNN's search took."""
        torch.cuda.current_stream().synchronize()
        torch.cuda.empty_cache()

    def mark(self) -> torch.cuda.Event:
        """An event here in the stream. Blocking: ten threads that spin take the cores from one another."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        return event
