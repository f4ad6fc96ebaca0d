"""The cells of one panel and the differences of its lines, from what every network answers of every image.

At one x at a time, so that what is held does not grow with the sweep.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from analysis.sources.predictions import Classes, wrong
from analysis.stats.cells import Cell
from analysis.stats.churn import Churn, churn, within
from analysis.stats.intervals import ALPHA
from analysis.stats.line import Line
from analysis.stats.two_way import Answers, Uncertainty, mcnemar, uncertainty
from model.axis import Value

#: Trials -> the classes that their networks give to each image [m], of those that were asked.
Read = Callable[[Collection[str]], Mapping[str, Classes]]
#: Which line is compared with which, and at what x.
Compared = tuple[Line, Line, Value]
#: Up to this many lines every two of them are compared for the map of churn.
MAPPED = 24


class CellAnswers(NamedTuple):
    """One cell of `n` networks. `error`: in percent, of wrong answers; `churn`: between its seeds, in
    percent."""

    line: Line
    x: Value
    n: int
    error: Uncertainty
    churn: float


class PairAnswers(NamedTuple):
    """`line` minus `base` at one x, of the `n` seeds that both have. `error`: in points. `apart`: of how many
    seeds McNemar's test finds the two networks apart, each by itself."""

    line: Line
    base: Line
    x: Value
    n: int
    error: Uncertainty
    apart: int
    churn: Churn


class ChurnMap(NamedTuple):
    """At one x: the churn in percent between networks of two lines with different seeds, rows and columns in
    the order of `lines`; NaN where there are none."""

    x: Value
    lines: tuple[Line, ...]
    shares: tuple[tuple[float, ...], ...]


class ImageByImage(NamedTuple):
    """`images`: how many each network answered. `maps`: at the ends of x, where there are three lines or
    more."""

    images: int
    cells: list[CellAnswers]
    pairs: list[PairAnswers]
    maps: list[ChurnMap]


class _Line(NamedTuple):
    """The networks of one cell. `predictions`: [n, m], of `seeds` in order; `errs`: 1 where they are
    wrong."""

    line: Line
    seeds: tuple[int, ...]
    predictions: Classes
    errs: Answers

    def of(self, seeds: Sequence[int]) -> "_Line":
        """The networks of these seeds alone."""
        if tuple(seeds) == self.seeds:
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        return _Line(self.line, tuple(seeds), self.predictions[rows], self.errs[rows])


def image_by_image(
    cells: Sequence[Cell], compared: Sequence[Compared], true: Classes, read: Read
) -> ImageByImage:
    """Of the cells of one panel, whose networks were judged on images of the classes `true` [m]."""
    found = ImageByImage(len(true), [], [], [])
    axis = cells[0].panel.x
    places = axis.ordered(cell.x for cell in cells)
    ends = {places[0], places[-1]}
    for x in places:
        lines = {own.line: own for own in _lines([c for c in cells if c.x == x], true, read)}
        found.cells.extend(
            CellAnswers(own.line, x, len(own.seeds), uncertainty(own.errs), within(own.predictions))
            for own in lines.values()
        )
        found.pairs.extend(_pairs(lines, [one for one in compared if one[2] == x]))
        if x in ends and 2 < len(lines) <= MAPPED:
            found.maps.append(_map(x, list(lines.values())))
    found.cells.sort(key=lambda cell: (cell.line.order, axis.key(cell.x)))
    found.pairs.sort(key=lambda pair: compared.index((pair.line, pair.base, pair.x)))
    return found


def _lines(cells: Sequence[Cell], true: Classes, read: Read) -> Iterator[_Line]:
    for cell in cells:
        answers = read(list(cell.ids.values()))
        seeds = tuple(seed for seed, trial in sorted(cell.ids.items()) if trial in answers)
        if seeds:
            predictions = np.stack([answers[cell.ids[seed]] for seed in seeds])
            yield _Line(cell.line, seeds, predictions, wrong(predictions, true))


def _pairs(lines: Mapping[Line, _Line], compared: Sequence[Compared]) -> Iterator[PairAnswers]:
    for line, base, x in compared:
        both = _common(lines, line, base)
        if both is not None:
            ours, theirs = both
            ps = [mcnemar(a, b) for a, b in zip(ours.errs, theirs.errs, strict=True)]
            yield PairAnswers(
                line,
                base,
                x,
                len(ours.seeds),
                uncertainty(ours.errs - theirs.errs),
                sum(p < ALPHA for p in ps),
                churn(ours.predictions, theirs.predictions),
            )


def _common(lines: Mapping[Line, _Line], line: Line, base: Line) -> tuple[_Line, _Line] | None:
    """Both lines' networks of the seeds that both have; None where there are none."""
    if line not in lines or base not in lines:
        return None
    seeds = [seed for seed in lines[line].seeds if seed in lines[base].seeds]
    return (lines[line].of(seeds), lines[base].of(seeds)) if seeds else None


def _map(x: Value, lines: Sequence[_Line]) -> ChurnMap:
    by_line = {own.line: own for own in lines}
    shares = np.full((len(lines), len(lines)), np.nan)
    for i, own in enumerate(lines):
        shares[i, i] = within(own.predictions)
        for j, other in enumerate(lines[:i]):
            if (both := _common(by_line, own.line, other.line)) is not None:
                pair = churn(both[0].predictions, both[1].predictions)
                shares[i, j] = shares[j, i] = pair.between
    rows = tuple(tuple(float(share) for share in row) for row in shares)
    return ChurnMap(x, tuple(by_line), rows)
