"""Studies that add seeds as results come in, many at once: a row a study, a column a number of seeds.

`python -m tests.helpers.stopped` prints the tables of docs/sequential-seeds.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.stats.anytime import critical
from analysis.stats.intervals import ALPHA, t_limits
from analysis.stats.multiplicity import simultaneous_level
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


class Wrong(NamedTuple):
    """Shares of studies that at any look say something wrong: that two errors differ which do not, that two are
    alike which are not, or either."""

    differ: float
    alike: float
    either: float


def wrong_statements(nulls: int, *, family: int = 5, studies: int = 4_000, seed: int = 7) -> Wrong:
    """Of studies of `family` comparisons, `nulls` of them of equal errors and the others of errors that differ by
    the margin, of an sd within a seed; half of the variance they share, as comparisons with one norm do. Looked
    at after 5 seeds and every five more up to 50: differences by Holm's correction, likeness by simultaneous
    intervals, as the page says them."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(studies, MOST))

    def draw(own: np.random.Generator, shape: tuple[int, int]) -> Array:
        return np.asarray(np.sqrt(0.5) * (shared + own.normal(size=shape)))

    truths = np.array([0.0] * nulls + [MARGIN] * (family - nulls))
    looks = [
        every(stopped_studies(studies, most=MOST, seed=seed + 1 + i, draw=draw), 5, 5) for i in range(family)
    ]
    n, mean = looks[0].n, np.stack([look.mean for look in looks], axis=-1) + truths
    error = np.stack([look.error for look in looks], axis=-1)
    half = critical(simultaneous_level(family), n - 1)[:, None] * error
    alike = (np.abs(mean) + half < MARGIN)[..., nulls:].any(axis=(1, 2))
    differ = claimed_by_holm(np.abs(mean / error), n)[..., :nulls].any(axis=(1, 2))
    return Wrong(float(differ.mean()), float(alike.mean()), float((differ | alike).mean()))


def claimed_by_holm(t: Array, n: Array) -> NDArray[np.bool_]:
    """Which comparisons Holm's correction claims, by how many standard errors they are from zero, after `n` seeds
    [studies, looks, comparisons]: in order of t, as long as each passes at its own level."""
    family = t.shape[-1]
    ordered = np.sort(t, axis=-1)[..., ::-1]
    limits = np.stack([critical(1 - ALPHA / (family - k), n - 1) for k in range(family)], axis=-1)
    count = np.cumprod(ordered > limits, axis=-1).sum(axis=-1, keepdims=True)
    least = np.take_along_axis(ordered, np.maximum(count - 1, 0), axis=-1)
    return np.asarray((count > 0) & (t >= least))


def wrong_table() -> str:
    """Five comparisons, some of them of equal errors and the others at the margin: how often anything is wrong."""
    lines = [
        "| Equal | At the margin | A false difference | A false likeness | Either |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for nulls in (5, 4, 3, 2, 1, 0):
        shares = " | ".join(f"{100 * share:.1f}%" for share in wrong_statements(nulls))
        lines.append(f"| {nulls} | {5 - nulls} | {shares} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print("\n\n".join((looking_table(), decided_table(), wrong_table(), width_table())))
