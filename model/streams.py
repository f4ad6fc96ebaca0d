"""What packs in threads of one process share of a GPU: its streams, and the right to start.

A pack starts with work that no other may overlap. cuDNN's search for kernels and whatever else waits for
the whole device are errors while any stream is captured, and spoil that capture. So warm-up, capture and the
first evaluation of a pack hold one lock, `exclusive`, and so does whatever else waits for the device.

torch has 32 streams of a device and hands them out in turn, so the 33rd is the first one again, which a
pack may still use: one of two packs on a stream would run into the other's capture. A stream taken here is
lent to one owner until that owner is gone.
"""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

#: torch's streams of a device and priority.
MAX_STREAMS = 32

_starting = threading.RLock()


@contextmanager
def exclusive() -> Iterator[None]:
    """Nobody else in this process captures, or waits for the device, meanwhile."""
    with _starting:
        yield


@contextmanager
def gc_paused() -> Iterator[None]:
    """No garbage collection meanwhile: a dead pack's graphs must not be destroyed within a capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def free_memory() -> None:
    """What packs that are gone held is free again."""
    gc.collect()
    if torch.cuda.is_available():
        with exclusive():  # giving memory back waits for the device, which would spoil another pack's capture
            torch.cuda.empty_cache()


def _new_stream(device: int) -> torch.cuda.Stream:
    return torch.cuda.Stream(torch.device("cuda", device))  # type: ignore[no-untyped-call]


class StreamPool:
    """Streams lent to one owner each. `new`: torch's next stream of the device with this number."""

    def __init__(self, new: Callable[[int], torch.cuda.Stream] = _new_stream) -> None:
        self._new, self._lock = new, threading.Lock()
        self._free: dict[int, list[torch.cuda.Stream]] = {}  # by the device's number
        self._lent: dict[int, set[int]] = {}

    def take(self, device: torch.device, owner: object) -> torch.cuda.Stream | None:
        """A stream that nobody else has, lent for the life of `owner`; None where all are lent."""
        number = torch.cuda.current_device() if device.index is None else device.index
        with self._lock:
            stream = self._unused(number)
        if stream is None:
            gc.collect()  # a pack that has ended may not have been collected yet
            with self._lock:
                stream = self._unused(number)
        if stream is not None:
            weakref.finalize(owner, _give_back, self._free[number], self._lent[number], stream).atexit = False
        return stream

    def _unused(self, device: int) -> torch.cuda.Stream | None:
        free, lent = self._free.setdefault(device, []), self._lent.setdefault(device, set())
        for _ in range(MAX_STREAMS):
            stream = free.pop() if free else self._new(device)
            if _handle(stream) not in lent:
                lent.add(_handle(stream))
                return stream
        return None


def _give_back(free: list[torch.cuda.Stream], lent: set[int], stream: torch.cuda.Stream) -> None:
    # No lock: this may run wherever an object dies, within `_unused` too. Each line is atomic.
    lent.discard(_handle(stream))
    free.append(stream)


def _handle(stream: torch.cuda.Stream) -> int:
    return int(stream.cuda_stream)


#: The process's streams.
POOL = StreamPool()
