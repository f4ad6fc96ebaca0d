"""Work on a second stream of a GPU, beside what the pack's own has meanwhile.

A gradient of weights is needed by the optimiser alone, and waits for nothing but the gradient that came; the
gradient of the input is what every earlier layer waits for. On a GPU that a pack of small networks leaves
half idle the two may run at once. Captured, it is a fork and a join of the graph. Kernels and their order in
each sum stay, so not a bit of any result does.
"""

from collections.abc import Callable

import torch


def beside(stream: torch.cuda.Stream, aside: Callable[[], None], here: Callable[[], None]) -> None:
    """Queue `aside` on `stream` and `here` on the current one, both behind all that the current one has; what
    it is given next waits for both, after an error too.

    What `aside` touches has to be the current stream's memory, had before and let go of after: the allocator
    gives a block again by the order of the stream that it was made for. What torch takes for itself within
    `aside`, a sum's scratch, is `stream`'s and used by it alone; `stream` has joined the capture by then, so
    it comes from the capture's own pool.
    """
    own = torch.cuda.current_stream(stream.device)
    stream.wait_stream(own)
    try:
        with torch.cuda.stream(stream):
            aside()
        here()
    finally:
        own.wait_stream(stream)
