"""What a reader may choose, and every statistic follows: one object, handed down from the command line."""

from dataclasses import dataclass

#: How a trial's error is read off its epochs.
MEASURES = ("last", "median5")
#: Points of error within which a line counts as constant, unless the reader chooses another.
MARGIN = 1.0


@dataclass(frozen=True)
class Margin:
    """How far a line's error may move and still count as constant.

    `value`: in points of error, or where `relative` in percent of the line's mean error at its largest batch
    size, taken as known. `chosen`: whether the reader chose it; the default was fixed before any data were
    seen."""

    value: float = MARGIN
    relative: bool = False
    chosen: bool = False

    def points(self, reference: float) -> float:
        """In points; `reference`: the line's mean error at its largest batch size, in percent."""
        return self.value * reference / 100 if self.relative else self.value


@dataclass(frozen=True)
class Choices:
    """`measure`: 'last' epoch, or 'median5' of the last five. `margin`: of constancy. `paired`: whether the
    runs of one seed are pairs, which is a fact about how they were made; independent unless somebody says
    so. `x`: the axis that lines run over, empty where the results decide. `base`: what lines are compared
    with, as stats.bases reads it; empty for batch norm."""

    measure: str = "last"
    margin: Margin = Margin()
    paired: bool = False
    x: str = ""
    base: str = ""


#: What holds where the reader chooses nothing.
DEFAULT = Choices()
