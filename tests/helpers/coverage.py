"""How often each interval of the page holds the truth: `python -m tests.helpers.coverage` prints the table of
docs/coverage.md.

Studies are drawn from one fixed generator, so the same table comes out again. A seed's errors share a part, as
paired seeds do; errors are normal unless the row says otherwise.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.stats.crossover import crossover
from analysis.stats.equivalence import equivalence
from analysis.stats.estimate import Errors, contrast, of_pairs
from analysis.stats.intervals import Interval, bca_interval, t_interval
from analysis.stats.lowest import lowest_difference

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
    return contrast(_cells(generator, n, (14, 0.9), (13, 0.3)), (1, -1), paired=False).interval, 1


def _four_cells(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    cells = _cells(generator, n, (14, 0.3), (19, 0.9), (14, 0.3), (13.5, 0.2))
    return contrast(cells, (1, -1, -1, 1), paired=False).interval, -5.5


def _few_of_one(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    cells = [*_cells(generator, n, (14, 0.9)), *_cells(generator, 2 * n, (13, 0.3))]
    return contrast(cells, (1, -1), paired=False).interval, 1


def _cells(generator: np.random.Generator, n: int, *normal: tuple[float, float]) -> list[Errors]:
    """`n` seeds of a cell for each (mean, sd)."""
    return [dict(enumerate(generator.normal(mean, sd, n).tolist())) for mean, sd in normal]


def _crossing(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    shared = generator.normal(0, 0.3, (n, 1))
    drawn = _truth() + shared + generator.normal(0, 0.4, (n, 5))
    return crossover(SIZES, by_size(drawn), by_size(np.zeros((n, 5))), paired=True).interval, CROSSING


def _crossing_apart(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    ours, theirs = _truth() + generator.normal(14, 0.2, (n, 5)), generator.normal(14, 0.6, (n, 5))
    return crossover(SIZES, by_size(ours), by_size(theirs), paired=False).interval, CROSSING


def _truth() -> Draws:
    return np.asarray(np.log2(SIZES) - np.log2(CROSSING))


def by_size(errors: Draws) -> list[Errors]:
    """A cell for each column of `errors` [seeds, batch sizes]; a NaN is no run."""
    return [{s: float(e) for s, e in enumerate(column) if not np.isnan(e)} for column in errors.T]


def _equivalent(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    return equivalence(of_pairs(generator.normal(0.2, 0.3, n)), 1.0).interval, 0.2


def _equivalent_apart(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    cells = _cells(generator, n, (13.2, 0.6), (13, 0.2))
    return equivalence(contrast(cells, (1, -1), paired=False), 1.0).interval, 0.2


def _lowest(n: int, generator: np.random.Generator) -> tuple[Interval, float]:
    """Five against five, one side flat, the other with one lowest in truth: the hardest case of the ones tried."""
    truth = np.array([0.0] * 5 + [-0.2, 0.3, 0.6, 0.9, 1.2])
    drawn = 13 + truth + generator.normal(0, 0.3, (n, 1)) + generator.normal(0, 0.3, (n, 10))
    weights = np.eye(10)
    return lowest_difference(by_size(drawn), weights[:5], weights[5:], paired=True).interval, 0.2


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
    "Welch: twice as many seeds of the norm with the smaller sd": (0.95, _few_of_one),
    "Welch: an interaction, four cells of independent seeds, sds 0.2 to 0.9": (0.95, _four_cells),
    "Crossover: Welch’s test inverted, one sd three times the other": (0.95, _crossing_apart),
    "Equivalence: Welch, one sd three times the other": (0.90, _equivalent_apart),
    "Choosing G: the lowest of five means against the lowest of five others": (0.95, _lowest),
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
