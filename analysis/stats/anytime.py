"""Intervals and tests that hold whenever one stops: of cells to which a rule added seeds as results came in.

Student's interval holds where the number of seeds was fixed beforehand. Who looks, and adds seeds until
something shows, finds a difference sooner or later where there is none. What holds for every number of seeds
at once, and so for any reason to stop, is the t test's mixture martingale: the likelihood of the seeds, but
for their scale, where the true mean in units of the sd is drawn from a normal distribution around zero, over
that where it is zero (Lai 1976; Wang & Ramdas 2023, "Anytime-valid t-tests and confidence sequences for
Gaussian means with unknown variance", the Gaussian mixture; Gronau et al. 2020 call it a Bayes factor). It
begins at 1 and is a martingale where the mean is zero, so it ever reaches 1/α with probability α at most
(Ville 1939), and the means at which it has not are a confidence sequence.

It takes seeds as normal and independent of one another, as Student's does; docs/sequential-seeds.md has how
often it holds, also where they are not, and what it costs."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The sd of the mixture, in sds of what is averaged: where the intervals are narrowest for their level. With
#: it three seeds give an interval at 95%, as they do by Student's t; written here before any data were seen.
EFFECT_SD = 3.0


class Sequential(dict[int, float]):
    """Seed -> error in percent, of a cell to which a rule added seeds that looked at results. What is made of
    it has to hold whenever one stops."""


def sequential(cells: Iterable[Mapping[int, float]]) -> bool:
    """Whether the seeds of any of `cells` were added by a rule that looked at results."""
    return any(isinstance(cell, Sequential) for cell in cells)


def like(errors: Mapping[int, float], *cells: Mapping[int, float]) -> Mapping[int, float]:
    """`errors`, made of those of `cells`: sequential where any of these is."""
    return Sequential(errors) if sequential(cells) else errors


def critical(level: float, df: ArrayLike) -> NDArray[np.float64]:
    """How far t may be from zero, by `df` = n − 1 of n seeds, at confidence `level`; ∞ where so few seeds
    exclude nothing.

    The t at which the martingale is 1 / (1 − level): of u = t² / df, ((1 + u) / (1 + u/s))^n = s / α², with
    s = 1 + n·EFFECT_SD²."""
    n = np.asarray(df, dtype=float) + 1
    s = 1 + n * EFFECT_SD**2
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        k = np.exp((np.log(s) - 2 * math.log(1 - level)) / n)
        u = np.where(k < s, (k - 1) / (1 - k / s), np.inf)
        found: NDArray[np.float64] = np.sqrt((n - 1) * u)
    return found


def p_value(t: float, df: float) -> float:
    """Two-sided, for `df` + 1 seeds whose mean is `t` standard errors from the value that is tested: one over
    the martingale, at most 1. Below α with probability α at most, whenever one stops."""
    n = df + 1
    s, u = 1 + n * EFFECT_SD**2, t * t / df
    log = 0.5 * (n * (math.log1p(u) - math.log1p(u / s)) - math.log(s))
    return math.exp(-max(0.0, log))
