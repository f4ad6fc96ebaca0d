"""How often each interval of the page holds the truth: `python -m tests.helpers.coverage` prints the table of
docs/coverage.md.

Studies are drawn from one fixed generator, so the same table comes out again. A seed's errors share a part, as
paired seeds do; errors are normal unless the row says otherwise.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.stats.crossover import crossover
from analysis.stats.intervals import Interval, bca_interval, t_interval, welch
from analysis.stats.paired import equivalence

SEEDS = (3, 5, 10)
STUDIES = 4_000
#: Batch sizes of a study of the crossover, and the one below which the line is better in truth.
SIZES = (2, 4, 8, 16, 32)
CROSSING = 2**2.5

Draws = NDArray[np.float64]
#: n seeds -> one study's interval and the truth that it should hold.
Study = Callable[[int, np.random.Generator], tuple[Interval, float]]


def _mean(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    return t_interval(generator.normal(13, 0.3, n)), 13


def _skewed(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    return t_interval(13 + generator.exponential(0.3, n)), 13.3


def _unequal(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    return welch(generator.normal(14, 0.9, n), generator.normal(13, 0.3, n)), 1


def _crossing(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    shared = generator.normal(0, 0.3, (n, 1))
    truth = np.log2(SIZES) - np.log2(CROSSING)
    return crossover(SIZES, truth + shared + generator.normal(0, 0.4, (n, 5))).interval, CROSSING


def _equivalent(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    return equivalence(generator.normal(0.2, 0.3, n), 1.0).interval, 0.2


def _bootstrap(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    return bca_interval(generator.normal(0, 1, n), generator, resamples=999), 0


#: What the interval is -> (its level, a study).
INTERVALS: dict[str, tuple[float, Study]] = {
    "Student t: a cell’s mean, a paired difference, a rise, an interaction": (0.95, _mean),
    "The same where errors are skewed (exponential)": (0.95, _skewed),
    "Welch: a difference of independent seeds, one sd three times the other": (0.95, _unequal),
    "Crossover: the t test inverted": (0.95, _crossing),
    "Equivalence: Student t": (0.90, _equivalent),
    "BCa bootstrap": (0.95, _bootstrap),
}


def coverage(name: str, n: int, studies: int = STUDIES) -> float:
    """The share of `studies` with `n` seeds whose interval called `name` held the truth."""
    _, study = INTERVALS[name]
    generator = np.random.default_rng([n, list(INTERVALS).index(name)])
    held = 0
    for _ in range(studies):
        interval, truth = study(n, generator)
        held += interval.low <= truth <= interval.high
    return held / studies


def table(studies: int = STUDIES) -> str:
    """All of them as a Markdown table."""
    head = ["Interval", "Nominal", *(f"n = {n}" for n in SEEDS)]
    lines = ["| " + " | ".join(head) + " |", "| --- | ---: |" + " ---: |" * len(SEEDS)]
    for name, (level, _) in INTERVALS.items():
        shares = [f"{100 * coverage(name, n, studies):.1f}%" for n in SEEDS]
        lines.append("| " + " | ".join([name, f"{level:.0%}", *shares]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
