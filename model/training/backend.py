"""The process-wide settings of torch that training depends on, made for as long as somebody trains.

Packs may train in threads of one process, so a setting that one thread made must outlast it as long as
another relies on it, and two that contradict each other must never mix: numbers would depend on timing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from model.training.step import Precision

#: Pixels in a batch of one replica up to which torch's own convolutions beat oneDNN's, whose fixed cost a
#: call is the higher. By replica, so that a seed has the same kernels in any pack. A step of ResNet-20 with
#: BN on 8×8 pixels, milliseconds of a busy core, torch 2.15, with torch's own and with oneDNN's: batch 2
#: (128 pixels), one replica 5.8 and 11.0, five 14.3 and 22.0; batch 8 (512 pixels) 9.1 and 14.0, 28.9 and
#: 30.0. On 32×32 pixels oneDNN always wins.
TINY = 512

_lock = threading.Lock()
_users: list[tuple[Precision, bool]] = []
_before: list[bool] = []

_idle = threading.Condition()
_onednn: list[bool] = []
_onednn_before: list[bool] = []


@contextmanager
def arithmetic(precision: Precision, *, search: bool = True) -> Iterator[None]:
    """TF32 on CUDA for `tf32` alone; `search`: cuDNN tries its kernels and takes the fastest.

    torch itself lets cuDNN use TF32 by default, so float32 has to be asked for. The settings belong to
    the process: the first of several threads makes them, the last restores what was there, and a thread
    that wants others meanwhile gets RuntimeError rather than wrong numbers.
    """
    with _lock:
        if any(user != (precision, search) for user in _users):
            raise RuntimeError(f"{precision} asked for while {_users[0][0]} is in use by another thread")
        if not _users:
            _before[:] = _set(precision == "tf32", precision == "tf32", search)
        _users.append((precision, search))
    try:
        yield
    finally:
        with _lock:
            _users.pop()
            if not _users:
                _set(*_before)


def _set(cudnn_tf32: bool, matmul_tf32: bool, benchmark: bool) -> tuple[bool, bool, bool]:
    """Make the settings, return the ones before."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark
    cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark = cudnn_tf32, matmul_tf32, benchmark
    return before


@contextmanager
def convolutions(device: torch.device, pixels: int) -> Iterator[None]:
    """oneDNN's convolutions on a CPU, or torch's own for a batch of up to TINY pixels of a replica.

    A thread that needs the other kind waits until those that train have ended their epoch.
    """
    if device.type != "cpu":
        yield
        return
    wanted = pixels > TINY
    with _idle:
        _idle.wait_for(lambda: not _onednn or _onednn[0] == wanted)
        if not _onednn:
            _onednn_before[:] = [_set_onednn(wanted)]
        _onednn.append(wanted)
    try:
        yield
    finally:
        with _idle:
            _onednn.pop()
            if not _onednn:
                _set_onednn(_onednn_before[0])
            _idle.notify_all()


def kernels(device: torch.device, pixels: int) -> str:
    """On a CPU whose convolutions a batch of so many pixels of a replica has, and for which instructions."""
    if device.type != "cpu":
        return ""
    whose = "oneDNN" if pixels > TINY and torch.backends.mkldnn.is_available() else "torch"  # type: ignore[no-untyped-call]
    return f" of {whose}, {torch.backends.cpu.get_cpu_capability()}"


def _set_onednn(enabled: bool) -> bool:
    """Make the setting, return the one before."""
    return bool(torch.backends.mkldnn.set_flags(enabled)[0])  # type: ignore[no-untyped-call]
