"""How large the tiles of our convolutions' kernels are: what was fastest where it was measured.

An H200, torch 2.11, Triton 3.6, five replicas of 16 maps of 32×32 pixels, 32 of 16×16 and 64 of 8×8, batches
of 2, 8 and 32: 214 shapes of tiles, by the time that each takes with eight at once on the GPU and, at a lower
weight, alone (docs/gpu.md). Two warps of a program won everywhere, four had been the guess: 116 and 33 µs.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

Kernel = Literal["forward", "backward", "weights"]
#: Of a program.
WARPS = 2
#: About how many a weight gradient is cut into, along the places.
PROGRAMS = 256


class Tiles(NamedTuple):
    """`places`, `terms` of the sum (taps times channels) and `channels` of a program at once.

    `stages`: how many loads lie ahead.
    """

    places: int
    terms: int
    channels: int
    stages: int = 3


_SMALL = (12_000, Tiles(64, 32, 16, stages=2))
_LARGE = (math.inf, Tiles(128, 32, 16))
_DEEP = (math.inf, Tiles(128, 16, 32))
#: By channels of the target, each row up to so many places of a replica's batch.
_TABLE: Mapping[tuple[Kernel, int], tuple[tuple[float, Tiles], ...]] = {
    ("forward", 16): (_SMALL, _LARGE),
    ("forward", 32): ((1_500, Tiles(32, 64, 32)), (3_000, Tiles(64, 16, 32)), _DEEP),
    ("forward", 64): ((370, Tiles(32, 64, 16)), (730, Tiles(64, 32, 32)), _DEEP),
    ("backward", 16): (_SMALL, _LARGE),
    ("backward", 32): ((1_500, Tiles(64, 64, 16)), _DEEP),
    ("backward", 64): ((370, Tiles(32, 32, 16)), (730, Tiles(64, 16, 32)), _DEEP),
    ("weights", 16): ((6_000, Tiles(32, 32, 16)), (math.inf, Tiles(64, 64, 16))),
    ("weights", 32): ((1_500, Tiles(32, 32, 16)), (math.inf, Tiles(32, 64, 16))),
    ("weights", 64): ((math.inf, Tiles(32, 64, 16)),),
}


def tiles(kernel: Kernel, channels: int, places: int) -> Tiles:
    """For so many channels of a replica's target, and places of its batch."""
    rows = _TABLE[kernel, tile(channels)]
    return next(found for most, found in rows if places <= most)


def tile(channels: int) -> int:
    """A power of two that tensor cores take, at most 64."""
    return max(16, min(64, 1 << (channels - 1).bit_length()))
