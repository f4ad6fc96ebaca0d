"""A worker of Ray's arrives on a node: it finds the user's code there, and whether the node may take part."""

import functools
import os
import sys

from model.queues import CUDA_QUEUES
from orchestrator.cluster.own_code import receive
from orchestrator.cluster.preflight import Trouble, Vetted, late_trouble
from orchestrator.results.codes import enumerated
from orchestrator.results.source import Code, differing, training_code


def arrive(vetted: Vetted | None, code: Code, started_in: str) -> Trouble | None:
    """What is wrong with this node; None where nothing is. Called before anything else on a worker.

    `vetted`: the nodes of a joined cluster that were asked, None on the driver's own machine; `code`: the
    driver's; `started_in`: the driver's folder, where code of the user's own may lie.
    """
    os.environ.setdefault(*CUDA_QUEUES)
    if started_in not in sys.path:
        sys.path.append(started_in)
    if vetted is not None:
        receive(vetted.question.sources)
    if (problem := _problem(vetted, code)) is not None:
        _problem.cache_clear()  # it may pass
    return problem


@functools.lru_cache(maxsize=1)
def _problem(vetted: Vetted | None, code: Code) -> Trouble | None:
    """Asked once by each worker: what is wrong with its node, where that came after the others were asked.

    On this machine alone: whether the source was edited since the driver held it against the results.
    """
    if vetted is not None:
        return late_trouble(vetted)
    if (here := training_code()) == code:
        return None
    return Trouble(
        f"the code was edited meanwhile: {enumerated(differing(here.files, code.files))}. What is "
        "done is saved. Undo the edit and run again, or read what the next run says of it."
    )
