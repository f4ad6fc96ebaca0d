"""Cells timed by several kernels, on a GPU of this machine."""

import time
from collections.abc import Callable, Mapping, Sequence

from model.data.dataset import DataInfo
from model.kernels import Kernels
from model.spec import Spec
from orchestrator.planning.kernels import Rates, Timings

#: Whether somebody has ended the run for which it is timed, or raises that.
Ended = Callable[[], bool]

_EACH = 0.6  # seconds of a cell by one kind of kernels, once it has started


def nobody() -> bool:
    """Nobody ends it."""
    return False


def go_on(ended: Ended) -> None:
    """Raises RuntimeError where the run was ended, or as that does: half a timing is none to go by."""
    if ended():
        raise RuntimeError("the run was ended")


def in_time(
    cells: Sequence[tuple[Spec, int]],
    pace: Callable[[Spec, int], Rates],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    ended: Ended = nobody,
) -> list[Rates]:
    """What `pace` gives of these cells, as far as they are over in so many seconds: after the first none is
    begun that would end later if it took as long as the one before it. Raises as `go_on` does,
    which is asked before each."""
    found, end, took = list[Rates](), clock() + seconds, 0.0
    for spec, replicas in cells:
        go_on(ended)
        begun = clock()
        if found and begun + took > end:
            break
        found.append(pace(spec, replicas))
        took = clock() - begun
    return found


def time_here(
    infos: Mapping[str, DataInfo],
    device: str,
    threads: int,
    cells: Sequence[tuple[Spec, int]],
    kernels: Sequence[Kernels],
    seconds: float,
    ended: Ended = nobody,
) -> Timings:
    """Training images a second of these cells, so many replicas of each, by each of these kernels. Raises
    as `go_on`.

    Cells in whose precision ours cannot be used are not timed, and what cannot be timed has no rate.
    """
    import torch

    from model.net.convolution import why_not_triton
    from model.precision import checked
    from model.streams import free_memory
    from model.training.calibrate import calibrate

    torch.set_num_threads(threads)
    precisions = {spec.precision for spec, _ in cells}
    asked = {one: why_not_triton(torch.device(device), checked(one)) for one in precisions}
    unusable = {one: why for one, why in asked.items() if why}

    def rate(spec: Spec, replicas: int, one: Kernels) -> float | None:
        try:
            return calibrate(spec, replicas, infos[spec.dataset], device, kernels=one, seconds=_EACH)
        except Exception:  # too little memory, say, or a kernel that needs more than this GPU has
            return None

    def pace(spec: Spec, replicas: int) -> Rates:
        rates: dict[Kernels, float] = {}
        for one in kernels if spec.precision not in unusable else ():
            if found := rate(spec, replicas, one):
                rates[one] = found
            free_memory()
        return rates

    return Timings(in_time(cells, pace, seconds, ended=ended), unusable)
