"""Studies that add seeds as results come in, many at once: a row a study, a column a number of seeds.

`python -m tests.helpers.stopped` prints the tables of docs/sequential-seeds.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.stats.anytime import critical
from analysis.stats.intervals import t_limits
from analysis.stats.power import seeds_for_half_width, seeds_for_power

Array = NDArray[np.float64]


class Looks(NamedTuple):
    """`t` of the hypothesis that the mean is what it is in truth, and the standard `error`, after `n` seeds
    [studies, looks], `n` [looks]; `mean` likewise, minus the truth."""

    n: Array
    mean: Array
    error: Array

    @property
    def t(self) -> Array:
        return self.mean / self.error


Draw = Callable[[np.random.Generator, tuple[int, int]], Array]


def _normal(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    return generator.normal(size=shape)


def stopped_studies(studies: int, *, most: int, seed: int, fewest: int = 3, draw: Draw = _normal) -> Looks:
    """`draw`: values whose true mean is zero [studies, seeds]."""
    x = draw(np.random.default_rng(seed), (studies, most))
    n = np.arange(1, most + 1, dtype=float)
    mean = np.cumsum(x, axis=1) / n
    squares = np.cumsum(x**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares - n * mean**2, 0) / (n - 1)
    error = np.sqrt(variance / n)
    return Looks(n[fewest - 1 :], mean[:, fewest - 1 :], error[:, fewest - 1 :])


def excluded(looks: Looks, critical: Callable[[Array], Array]) -> NDArray[np.bool_]:
    """Of each study, whether the truth lay outside the interval at any look [studies]."""
    return np.asarray((np.abs(looks.t) > critical(looks.n)).any(axis=1))


class Stops(NamedTuple):
    """How studies of one comparison ended, each [studies]: after how many `seeds`, with which `mean` and `half`
    width of the interval, and how it was `decided`: "difference", "alike" or "open"."""

    seeds: Array
    mean: Array
    half: Array
    decided: NDArray[np.str_]


def until_decided(looks: Looks, truth: float, margin: float, *, level: float = 0.95) -> Stops:
    """Each study stops at the first look at which the anytime-valid interval excludes zero or lies within
    ± `margin`; `truth`: the true mean, in the same unit."""
    mean, half = looks.mean + truth, critical(level, looks.n - 1) * looks.error
    differ, alike = np.abs(mean) > half, np.abs(mean) + half < margin
    return _stopped(looks, mean, half, differ, alike)


def until_ci(looks: Looks, wanted: float, *, level: float = 0.95) -> Stops:
    """Each study stops at the first look at which the half width is `wanted` or less, as "alike"."""
    half = critical(level, looks.n - 1) * looks.error
    return _stopped(looks, looks.mean, half, np.zeros(half.shape, dtype=bool), half <= wanted)


def _stopped(
    looks: Looks, mean: Array, half: Array, differ: NDArray[np.bool_], alike: NDArray[np.bool_]
) -> Stops:
    over = differ | alike
    at = np.where(over.any(axis=1), over.argmax(axis=1), over.shape[1] - 1)
    row = np.arange(len(at))
    words = np.where(differ[row, at], "difference", np.where(alike[row, at], "alike", "open"))
    return Stops(looks.n[at], mean[row, at], half[row, at], words)


def every(looks: Looks, first: int, step: int) -> Looks:
    """The looks after `first` seeds and every `step` more."""
    kept = (looks.n >= first) & ((looks.n - first) % step == 0)
    return Looks(looks.n[kept], looks.mean[:, kept], looks.error[:, kept])


def exponential(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Skewed, as errors are where a seed nearly diverges: the difference of such from a steady line."""
    return np.asarray(generator.exponential(size=shape) - 1)


STUDIES, MOST, MARGIN = 20_000, 50, 1.0
#: True differences, in sds of the difference within a seed, as all that follows.
TRUTHS = (0.0, 0.5, 1.0, 2.0, 4.0)


def looked_at(seed: int = 1, draw: Draw = _normal) -> Looks:
    return stopped_studies(STUDIES, most=MOST, seed=seed, draw=draw)


def decided_table() -> str:
    """How --until-decided ends, of 5 seeds and five more at a time up to 50, by the true difference."""
    lines = [
        "| True difference | Said to differ | Said to be alike | Open at 50 | Seeds on average | "
        "Fixed number with as much power |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    looks = every(looked_at(), 5, 5)
    for truth in TRUTHS:
        stops = until_decided(looks, truth, MARGIN)
        shares = [float((stops.decided == word).mean()) for word in ("difference", "alike", "open")]
        power = shares[0]
        fixed = seeds_for_power(1.0, truth, min(power, 0.999)) if truth else None
        cells = [f"{100 * share:.1f}%" for share in shares]
        lines.append(f"| {truth:g} | {' | '.join(cells)} | {stops.seeds.mean():.1f} | {fixed or '–'} |")
    return "\n".join(lines)


def width_table() -> str:
    """How --until-ci ends: the share of intervals that hold the truth at the stop, and the seeds it took."""
    lines = [
        "| Half width wanted | Holds the truth | Reached it | Seeds on average | Fixed number for Student’s t |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    looks = every(looked_at(), 5, 5)
    for wanted in (1.5, 1.0, 0.7):
        stops = until_ci(looks, wanted)
        held = float((np.abs(stops.mean) <= stops.half).mean())
        reached = float((stops.half <= wanted).mean())
        lines.append(
            f"| {wanted:g} | {100 * held:.1f}% | {100 * reached:.1f}% | {stops.seeds.mean():.1f} | "
            f"{seeds_for_half_width(1.0, wanted)} |"
        )
    return "\n".join(lines)


def looking_table() -> str:
    """Who looks after every seed from 3 to 50 and stops at a difference: how often there is none in truth."""
    lines = ["| Errors | Student’s t | Anytime-valid t |", "| --- | ---: | ---: |"]
    for name, draw in (("normal", _normal), ("skewed (exponential)", exponential)):
        looks = looked_at(draw=draw)
        rates = (
            excluded(looks, lambda n: t_limits(0.95, n - 1, sequential=False)).mean(),
            excluded(looks, lambda n: critical(0.95, n - 1)).mean(),
        )
        lines.append(f"| {name} | {100 * rates[0]:.1f}% | {100 * rates[1]:.1f}% |")
    return "\n".join(lines)


if __name__ == "__main__":
    print("\n\n".join((looking_table(), decided_table(), width_table())))
