"""Where the error of a norm with running statistics comes from: evaluation or training.

Wu & Johnson 2021 (Rethinking "Batch" in BatchNorm, arXiv 2105.07576, section 3) judge one network by its
running statistics and by precise ones, measured anew over the training images. What the second takes away was
an error of evaluation; what stays lies in the weights, and so in training. So the rise of an error over batch
sizes is the sum of two changes, taken within each seed where seeds are pairs.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from analysis.stats.anytime import like
from analysis.stats.axes import BATCH_SIZE
from analysis.stats.cells import Cell, panels
from analysis.stats.estimate import Errors, Estimate, contrast
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from analysis.stats.roles import Roles
from model.axis import Value
from model.norm_table import Statistics


class Question(NamedTuple):
    """What networks were asked: images of their own (`split` test, validation or train) or of another set
    ("images", by the fingerprint `data`), by which statistics."""

    split: str
    data: str
    statistics: Statistics

    @property
    def judged(self) -> bool:
        """Whether these are the images that the sweep judges on."""
        return self.split in ("test", "validation")


#: Question -> panel -> its cells, whose errors (`Cell.last`) are the answers.
Answers = Mapping[Question, Mapping[Panel, Sequence[Cell]]]


class Rise(NamedTuple):
    """From the largest batch size `first` to another, in points: `whole` = `evaluation` + `training`."""

    first: Value
    whole: Estimate
    evaluation: Estimate
    training: Estimate


class Part(NamedTuple):
    """One line at one x. `gap`: its error by running statistics minus by precise ones, in points; `batch`: by
    each batch's own minus by running ones, None where nobody asked. Both are within each network. `rise`:
    None at the largest batch size, and over any other axis."""

    line: Line
    x: Value
    gap: Estimate
    batch: Estimate | None
    rise: Rise | None


def answers(frame: pd.DataFrame, evaluations: pd.DataFrame, roles: Roles) -> Answers:
    """`frame`: a row per trial; `evaluations`: trial_id, split, data, statistics and error in percent."""
    found: dict[Question, Mapping[Panel, Sequence[Cell]]] = {}
    done = frame[frame["status"] == "done"]
    for key, own in evaluations.groupby(["split", "data", "statistics"], sort=False):
        errors = own.drop_duplicates("trial_id").set_index("trial_id")["error"]
        rows = done[done["trial_id"].isin(errors.index)]
        answered = rows["trial_id"].map(errors).astype("float64")
        replaced = rows.assign(test_error=answered, val_error=answered)
        found[Question(*map(str, key))] = panels(replaced, roles)  # type: ignore[arg-type]
    return found


def parts(panel: Panel, given: Answers, *, paired: bool) -> list[Part]:
    """Of each line and x of one panel that was asked by running and by precise statistics.

    `paired`: whether the runs of a seed are pairs; one network by two statistics always is.
    """
    by_statistics = {
        question.statistics: {(cell.line, cell.x): cell.last for cell in cells[panel]}
        for question, cells in given.items()
        if question.judged and panel in cells
    }
    population, precise = by_statistics.get("population", {}), by_statistics.get("precise", {})
    batch = by_statistics.get("batch", {})
    known = {place: common(population[place], precise[place]) for place in population if place in precise}
    known = {place: pair for place, pair in known.items() if pair[0]}
    found = []
    for (line, x), (running, anew) in known.items():
        first = panel.x.ordered(other for own, other in known if own == line)[0]
        rise = None
        if panel.x == BATCH_SIZE and x != first:
            rise = _rise(first, [running, anew, *known[line, first]], paired=paired)
        own = common(batch[line, x], population[line, x]) if batch.get((line, x)) else None
        found.append(
            Part(
                line,
                x,
                _within(running, anew),
                _within(*own) if own and own[0] else None,
                rise,
            )
        )
    return found


def common(ours: Errors, theirs: Errors) -> tuple[Errors, Errors]:
    """The errors of the networks that answered both."""
    seeds = [seed for seed in ours if seed in theirs]
    first, second = ({seed: own[seed] for seed in seeds} for own in (ours, theirs))
    return like(first, ours), like(second, theirs)


def _within(ours: Errors, theirs: Errors) -> Estimate:
    return contrast([ours, theirs], (1, -1), paired=True)


def _rise(first: Value, cells: Sequence[Errors], *, paired: bool) -> Rise:
    """`cells`: by running and by precise statistics, here and at `first`."""
    here, here_anew, there, there_anew = cells
    both = ((here, here_anew), (there, there_anew))
    gaps = [like({seed: a[seed] - b[seed] for seed in a}, a, b) for a, b in both]
    return Rise(
        first,
        contrast([here, there], (1, -1), paired=paired),
        contrast(gaps, (1, -1), paired=paired),
        contrast([here_anew, there_anew], (1, -1), paired=paired),
    )
