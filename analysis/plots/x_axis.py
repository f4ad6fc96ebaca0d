"""Where values of an axis stand along a figure: batch sizes as in Wu & He's Figure 1, numbers that are spread
over factors on a logarithmic axis, zero beside them, texts side by side."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2, log10

from analysis.plots import theme
from analysis.plots.theme import Json
from analysis.stats.axes import XAxis
from model.axis import Value

#: As many values are written along an axis; of more, plotly writes some round ones.
_MOST_TICKS = 16
#: Numbers whose largest is so many times the smallest may stand on a logarithmic axis.
_FACTOR = 3.0
#: From here on they always do.
_LARGE = 8.0


@dataclass(frozen=True)
class Places:
    """`values`: from left to right. `places`: their numbers along the figure. `log`: whether that is
    logarithmic. `step`: of neighbours, in log₂ where `log`, so that marks beside a value stay beside it."""

    axis: XAxis
    values: tuple[Value, ...]
    places: tuple[float, ...]
    log: bool
    step: float

    def __getitem__(self, value: Value) -> float:
        return self.places[self.values.index(value)]

    def beside(self, value: Value, share: float) -> float:
        """The place to the left of a value by `share` of a step; to its right where that is negative."""
        if self.axis.falls:
            return self[value] * 2**share
        return self[value] * 2 ** (-share * self.step) if self.log else self[value] - share * self.step

    def layout(self) -> Json:
        """The axis as plotly takes it."""
        ends = [log10(place) if self.log else place for place in (self.places[0], self.places[-1])]
        pad = self._pad(abs(ends[1] - ends[0]))
        ends = [ends[0] + pad, ends[1] - pad] if self.axis.falls else [ends[0] - pad, ends[1] + pad]
        drawn: Json = {"type": "log" if self.log else "linear", "range": ends}
        if self.axis.falls or not self.axis.numeric or len(self.values) <= _MOST_TICKS:
            texts = [theme.plain(self.axis.text(value)) for value in self.values]
            drawn |= {"tickvals": list(self.places), "ticktext": texts}
        words = [self.axis.title]
        if len(self.values) > 1:
            words += ["falling"] * self.axis.falls + ["log scale"] * self.log
        return {**drawn, "title": {"text": theme.plain(", ".join(words))}}

    def _pad(self, span: float) -> float:
        if self.axis.falls:
            return 0.12 if span else 0.2
        return 0.08 * span if span and self.axis.numeric else 0.5


def places_of(axis: XAxis, values: Iterable[Value]) -> Places:
    """The places of the distinct `values`."""
    ordered = tuple(axis.ordered(values)) or ((1,) if axis.numeric else ("",))
    if axis.falls:
        return Places(axis, ordered, tuple(int(value or 0) for value in ordered), True, 1.0)
    if not axis.numeric:
        return Places(axis, ordered, tuple(map(float, range(len(ordered)))), False, 1.0)
    numbers = [float(value or 0) for value in ordered]
    if not _is_log(numbers):
        return Places(axis, ordered, tuple(numbers), False, min(_gaps(numbers), default=1.0))
    positive = [number for number in numbers if number > 0]
    ratio = max(2.0, 2 ** min(_gaps([log2(number) for number in positive])))
    placed = [number if number > 0 else positive[0] / ratio for number in numbers]
    logs = [log2(place) for place in placed]
    return Places(axis, ordered, tuple(placed), True, min(*_gaps(logs), (logs[-1] - logs[0]) / 4))


def rounded(place: float) -> float:
    """To a ten-thousandth of itself or better: pages hold thousands of places."""
    return round(place, 4) if abs(place) >= 1 or place == 0 else float(f"{place:.5g}")


def _gaps(numbers: Sequence[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(numbers)]


def _is_log(numbers: Sequence[float]) -> bool:
    """Whether ascending numbers are spread over factors: widely, or more evenly than over differences. Zero
    may be one of them."""
    positive = [number for number in numbers if number > 0]
    if len(positive) < 2 or numbers[0] < 0 or positive[-1] / positive[0] < _FACTOR:
        return False
    if positive[-1] / positive[0] >= _LARGE:
        return True
    steps, factors = _gaps(positive), _gaps([log2(number) for number in positive])
    return max(factors) / min(factors) <= max(steps) / min(steps)
