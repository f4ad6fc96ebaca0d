"""Churn: on what share of the images two networks disagree (Milani Fard et al. 2016), within a norm and
between.

Two networks of one norm that differ in the seed disagree too, so what a norm changes is what the churn
between two norms has above that within them. All three are means over pairs of different seeds. With p and q
the shares of a norm's networks that give each class to an image, what is above is ½ Σ (p − q)² over the
classes, averaged over the images: in truth never below zero, and zero only where both norms answer every
image alike.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.sources.predictions import Classes
from analysis.stats.estimate import Estimate
from analysis.stats.intervals import FEWEST_VALUES, NAN, alike

#: Cells of a table of images by classes, or by networks, that is made at a time.
_BLOCK = 2**22

Counts = NDArray[np.int64]


class Churn(NamedTuple):
    """In percent of images: `ours` and `theirs` within a norm, `between` two networks of other norms and
    other seeds, `same` of other norms and the same seed. `above`: `between` minus the mean of `ours` and
    `theirs`, in points, over seeds for these images."""

    ours: float
    theirs: float
    between: float
    same: float
    above: Estimate


class _Agreements(NamedTuple):
    """Of each network [n], summed over the images and over the networks of other seeds: how often another of
    its own norm (`ours`, `theirs`) gives the same class, and one of the other norm (`there` from ours, `back`
    from theirs). `same`: with the network of the same seed."""

    ours: Counts
    theirs: Counts
    there: Counts
    back: Counts
    same: Counts


def churn(ours: Classes, theirs: Classes) -> Churn:
    """`ours`, `theirs`: the classes that n networks of two norms give to m images [n, m], of the same seeds
    in the same order. In time and memory that grow with n and not with the number of pairs."""
    n, m = ours.shape
    counted = _agreements(ours, theirs)
    own, other, across = (int(part.sum()) for part in (counted.ours, counted.theirs, counted.there))
    within = _share(np.array([own, other]), n, m)
    between = _share(np.array([across]), n, m)
    same = 100 * (1 - float(counted.same.sum()) / (n * m)) if n else NAN
    above = float(between[0] - within.mean())
    return Churn(
        float(within[0]), float(within[1]), float(between[0]), same, _jackknife(above, counted, n, m)
    )


def within(answers: Classes) -> float:
    """The churn between the seeds of one norm, in percent; NaN of one network."""
    return churn(answers, answers).ours


def _share(agreements: NDArray[np.int64], n: int, m: int) -> NDArray[np.float64]:
    """Churn in percent from agreements summed over ordered pairs of `n` seeds; NaN where there is no pair."""
    if n < 2:
        return np.full(len(agreements), NAN)
    return np.asarray(100 * (1 - agreements / (n * (n - 1) * m)), dtype=float)


def _agreements(ours: Classes, theirs: Classes) -> _Agreements:
    n, m = ours.shape
    found = _Agreements(*(np.zeros(n, dtype=np.int64) for _ in _Agreements._fields))
    classes = 1 + max(int(ours.max(initial=0)), int(theirs.max(initial=0)))
    for block in _blocks(m, max(n, classes)):
        a, b = ours[:, block].astype(np.int64), theirs[:, block].astype(np.int64)
        first, second = _counts(a, classes), _counts(b, classes)
        at = np.arange(a.shape[1])
        for s in range(n):
            same = int((a[s] == b[s]).sum())
            found.same[s] += same
            found.ours[s] += first[at, a[s]].sum() - a.shape[1]
            found.theirs[s] += second[at, b[s]].sum() - a.shape[1]
            found.there[s] += second[at, a[s]].sum() - same
            found.back[s] += first[at, b[s]].sum() - same
    return found


def _blocks(images: int, each: int) -> Iterator[slice]:
    """Of the images, as many at a time as make _BLOCK cells of `each`."""
    step = max(1, _BLOCK // each)
    return (slice(start, start + step) for start in range(0, images, step))


def _counts(answers: Counts, classes: int) -> Counts:
    """How many of `answers` [n, images] are each class [images, classes]."""
    images = answers.shape[1]
    places = answers + classes * np.arange(images)
    return np.bincount(places.ravel(), minlength=images * classes).reshape(images, classes)


def _jackknife(above: float, counted: _Agreements, n: int, m: int) -> Estimate:
    """What is above, as a U-statistic of degree two in the seeds, with the jackknife's standard error
    (Arvesen 1969), which on average is too large rather than too small (Efron & Stein 1981)."""
    if n < FEWEST_VALUES:
        return Estimate(above, NAN, NAN, NAN, NAN, NAN, (n,), paired=True)
    left = n - 1  # without one seed, each agreement within is missing twice, each between from either side
    own = _share(counted.ours.sum() - 2 * counted.ours, left, m)
    other = _share(counted.theirs.sum() - 2 * counted.theirs, left, m)
    between = _share(counted.there.sum() - counted.there - counted.back, left, m)
    without = between - (own + other) / 2
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    if alike(without):
        return Estimate(above, NAN, NAN, NAN, NAN, NAN, (n,), paired=True)
    return Estimate(above, NAN, error, n - 1, NAN, NAN, (n,), paired=True)
