"""What a reader may choose, and every statistic follows: one object, handed down from the command line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # --help must not wait for pydantic
    from orchestrator.results.records import AnalysisPlan, PlanVersion

#: How a trial's error is read off its epochs.
MEASURES = ("last", "median5")
#: Points of error within which a line counts as constant, unless the reader chooses another.
MARGIN = 1.0


@dataclass(frozen=True)
class Margin:
    """How far a line's error may move and still count as constant.

    `value`: in points of error, or where `relative` in percent of the line's mean error at its largest batch
    size, taken as known. `chosen`: whether the reader chose it; the default was fixed before any data were
    seen. `planned`: whether it is that of a plan of the analysis, in sweep.json."""

    value: float = MARGIN
    relative: bool = False
    chosen: bool = False
    planned: bool = False

    @classmethod
    def of(cls, text: str, *, planned: bool = False) -> Self:
        """“0.5” points or “5%” of the error at the largest batch size. Raises ValueError."""
        relative = text.strip().endswith("%")
        value = float(text.strip().removesuffix("%"))
        if not 0 < value < 100 or math.isnan(value):
            raise ValueError(text)
        return cls(value, relative, chosen=True, planned=planned)

    @property
    def text(self) -> str:
        """As `of` reads it."""
        return f"{self.value:g}{'%' if self.relative else ''}"

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


def choices_of(plan: "AnalysisPlan") -> Choices:
    """Those of the plan, of pairs."""
    margin = Margin.of(plan["margin"], planned=True)
    return Choices(plan["measure"], margin, paired=True, x=plan["x"], base=plan["base"])


def as_planned(choices: Choices, plans: "Sequence[PlanVersion]") -> Choices:
    """`choices`, where they leave margin, x or base open with those of the last of `plans`."""
    if not plans:
        return choices
    plan, margin = plans[-1]["plan"], choices.margin
    planned = choices_of(plan).margin
    same = (planned.value, planned.relative) == (margin.value, margin.relative)
    margin = planned if same or not margin.chosen else margin
    return replace(choices, margin=margin, x=choices.x or plan["x"], base=choices.base or plan["base"])
