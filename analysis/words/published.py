"""What is said where results are a publication's own numbers."""

from collections.abc import Sequence

from analysis.plots.published import recognised
from analysis.stats.cells import Cell
from analysis.words.numbers import listed


def recognised_sentence(cells: Sequence[Cell]) -> str:
    """Why no published line stands beside `cells`; empty where none of them is a publication's."""
    own = recognised(cells)
    if not own:
        return ""
    lines = listed(list(dict.fromkeys(entry.norm.upper() for entry in own)))
    sources = listed(list(dict.fromkeys(entry.source for entry in own)))
    return (
        f"The means of {lines} are to the last digit those of {sources}. These seem to be the same runs, so "
        "the published lines are not drawn beside them as if they were a replication."
    )
