"""How long a run takes, its start and what each pack costs beside training included. Pure."""

from collections.abc import Callable, Sequence

from orchestrator.planning.order import After, makespan

#: Seconds from the plan to the first step, by executor: Ray's own start, then workers that import torch. On
#: two quiet cores it took 12 (`grule-demo`, Ray 2.60, torch 2.15).
_START = {"ray": 10.0, "inline": 0.5}
#: Seconds of a pack from the end of the one before it to its first step, and from its last epoch to its
#: results: the same run, 18 packs.
_PACK = 0.4


def wall_clock(
    seconds: Sequence[float],
    slots: int,
    after: After,
    executor: str,
    speed: Callable[[int], float] = lambda running: 1.0,
) -> float:
    """Seconds of a run of packs that train for `seconds` each; 0 where there is none. `speed`: see
    `makespan`."""
    if not seconds:
        return 0.0
    return _START[executor] + makespan([each + _PACK for each in seconds], slots, after, speed)
