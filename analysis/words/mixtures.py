"""Facts that were counted over trials, in words: one value, or a mixture that is called one."""

from collections.abc import Callable, Sequence
from typing import Any

from analysis.sources.setup import Counts, Setup
from analysis.words.numbers import listed

#: What trials ought to share -> what a mixture of it is called.
_SHARED = {
    "product": "the version of normsweep",
    "commit": "the commit",
    "code": "the code that trains",
    "python": "the version of Python",
    "torch": "the version of PyTorch",
    "ray": "the version of Ray",
    "cuda": "the version of CUDA",
    "processor": "the processor",
    "threads": "the number of threads",
}
#: The same of what the trials of a cell ought to share.
_OF_A_CELL = {"precision": "the precision", "kernels": "the kernels"}


def said(setup: Setup, counts: Counts, name: Callable[[Any], str] = str) -> str:
    """“2.15.0”, “2.15.0 (15 trials) and 2.11.0 (3 trials)”; empty where no trial says."""
    if len(counts) == 1 and not setup.unrecorded(counts):
        return name(next(iter(counts)))
    parts = [f"{name(value)} ({trials_words(n)})" for value, n in counts.items()]
    if parts and (silent := setup.unrecorded(counts)):
        parts.append(f"unknown ({trials_words(silent)})")
    return listed(parts)


def mixture(setup: Setup) -> str:
    """A sentence or two that name what differs among the trials beside what the study varies, and how many
    changed in their middle; empty where nothing does."""
    differing = [name for key, name in _SHARED.items() if len(setup.facts[key]) > 1]
    # those of another cell may be others
    differing += [name for key, name in _OF_A_CELL.items() if key in setup.within]
    differing += ["the device"] if len(setup.devices) > 1 else []
    differing += ["the size of the packs"] if len(setup.packs) > 1 else []
    differing += ["the training protocol"] if len(setup.protocols) > 1 else []
    mixed = f"The trials are a mixture: they differ in {listed(differing)}." if differing else ""
    went = "was" if setup.changed == 1 else "were"
    moved = (
        f"Of the trials, {setup.changed:,} {went} not computed in one way from beginning to end: pack, "
        "machine, threads or kernels changed between two epochs."
    )
    return " ".join(filter(None, (mixed, moved if setup.changed else "")))


def trials_words(n: int) -> str:
    return f"{n:,} trial{'' if n == 1 else 's'}"


def span(numbers: Sequence[int]) -> str:
    """“1 to 5” of ascending numbers without a gap, else “1, 3 and 4”."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    return listed([str(n) for n in numbers])
