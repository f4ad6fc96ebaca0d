"""The process-wide settings of torch that training depends on, made for as long as somebody trains.

Packs may train in threads of one process, so a setting that one thread made must outlast it as long as
another relies on it, and two that contradict each other must never mix: numbers would depend on timing. So
the second waits.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Generic, TypeVar

import torch

from model.precision import Precision

#: Pixels in a batch of one replica up to which torch's own convolutions beat oneDNN's, whose fixed cost a
#: call is the higher. By replica, so that a seed has the same kernels in any pack. A step of ResNet-20 with
#: BN on 8×8 pixels, milliseconds of a busy core, torch 2.15, with torch's own and with oneDNN's: batch 2
#: (128 pixels), one replica 5.8 and 11.0, five 14.3 and 22.0; batch 8 (512 pixels) 9.1 and 14.0, 28.9 and
#: 30.0. On 32×32 pixels oneDNN always wins.
TINY = 512


Value = TypeVar("Value")


class _Setting(Generic[Value]):
    """A setting of the process. The first of several threads makes it, the last restores what was there, and
    a thread that wants another meanwhile waits for them.

    `put`: makes it, and gives the one before.
    """

    def __init__(self, put: Callable[[Value], Value]) -> None:
        self._put = put
        self._idle = threading.Condition()
        self._held: list[Value] = []
        self._before: list[Value] = []

    @contextmanager
    def held(self, wanted: Value) -> Iterator[None]:
        with self._idle:
            self._idle.wait_for(lambda: not self._held or self._held[0] == wanted)
            if not self._held:
                self._before[:] = [self._put(wanted)]
            self._held.append(wanted)
        try:
            yield
        finally:
            with self._idle:
                self._held.pop()
                if not self._held:
                    self._put(self._before[0])
                self._idle.notify_all()


def arithmetic(precision: Precision, *, search: bool = True) -> AbstractContextManager[None]:
    """TF32 on CUDA for `tf32` alone; `search`: cuDNN tries its kernels and takes the fastest.

    torch itself lets cuDNN use TF32 by default, so float32 has to be asked for. Kernels take the settings
    when they are launched or captured, so nobody holds them while captured steps are replayed, and packs of
    several precisions train side by side. Where `exclusive` is held too, it is taken first.
    """
    return _arithmetic.held((precision == "tf32", precision == "tf32", search))


def _set(wanted: tuple[bool, bool, bool]) -> tuple[bool, bool, bool]:
    """cuDNN's TF32, that of matrix products, cuDNN's search."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark
    cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark = wanted
    return before


def convolutions(device: torch.device, pixels: int) -> AbstractContextManager[None]:
    """oneDNN's convolutions on a CPU, or torch's own for a batch of up to TINY pixels of a replica.

    A thread that needs the other kind waits until those that train have ended their epoch.
    """
    return _onednn.held(pixels > TINY) if device.type == "cpu" else nullcontext()


def kernels(device: torch.device, pixels: int) -> str:
    """On a CPU whose convolutions a batch of so many pixels of a replica has, and for which instructions."""
    if device.type != "cpu":
        return ""
    whose = "oneDNN" if pixels > TINY and torch.backends.mkldnn.is_available() else "torch"  # type: ignore[no-untyped-call]
    return f" of {whose}, {torch.backends.cpu.get_cpu_capability()}"


def _set_onednn(enabled: bool) -> bool:
    """Make the setting, return the one before."""
    return bool(torch.backends.mkldnn.set_flags(enabled)[0])  # type: ignore[no-untyped-call]


_arithmetic = _Setting(_set)
_onednn = _Setting(_set_onednn)
