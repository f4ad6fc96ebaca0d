"""The generalisation gap: a network's error on the images it is judged on minus that on its training images.

Both in evaluation mode, by running statistics and without augmentation; the error that training logs is of
augmented images, by each batch's statistics, of networks that change meanwhile, and no such comparison.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analysis.stats.cells import Cell
from analysis.stats.decomposition import Answers, common
from analysis.stats.estimate import Estimate, of_pairs
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from model.axis import Value

Place = tuple[Line, Value]


class Gap(NamedTuple):
    """Mean errors in percent of the networks that answered both, and their difference in points, within each
    network."""

    judged: float
    train: float
    difference: Estimate


def gaps(panel: Panel, given: Answers) -> dict[Place, Gap]:
    """Of each cell of `panel` whose networks were asked about both kinds of images."""
    own = [(question, cells[panel]) for question, cells in given.items() if panel in cells]
    running = [(question, cells) for question, cells in own if question.statistics == "population"]
    judged = _by_place([cells for question, cells in running if question.judged])
    train = _by_place([cells for question, cells in running if question.split == "train"])
    found = {}
    for place in judged:
        ours, theirs = common(judged[place], train.get(place, {}))
        if ours:
            difference = of_pairs([ours[seed] - theirs[seed] for seed in ours])
            found[place] = Gap(_mean(ours), _mean(theirs), difference)
    return found


def _by_place(asked: Sequence[Sequence[Cell]]) -> dict[Place, Mapping[int, float]]:
    return {(cell.line, cell.x): cell.last for cells in asked for cell in cells}


def _mean(errors: Mapping[int, float]) -> float:
    return sum(errors.values()) / len(errors)
