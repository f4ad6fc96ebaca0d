"""How much of the uncertainty of a mean error is the seeds' and how much the images': a two-way layout.

n networks answer the same m images, so that every one of n · m answers has a seed and an image in common with
others. With y = μ + seed + image + (which network errs on which image), all four uncorrelated, the mean has
the variance

    σ²_seed / n + σ²_image / m + σ²_both / (n · m)

and the mean squares of the two-way analysis of variance estimate its parts without bias, whatever the shape
of the distributions (Cornfield & Tukey 1956). A bootstrap over seeds estimates the first and third part, one
over images the second and third, so that their sum counts the third twice; Owen's pigeonhole bootstrap
(2007), which draws seeds and images at once, counts it three times, and no way of drawing rows and columns is
exact (McCullagh 2000). Here nothing is drawn, and each part counts once.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.estimate import Estimate
from analysis.stats.intervals import CONFIDENCE, NAN, t_quantile, too_few

#: Answers as small whole numbers: 1 for wrong, or the difference of two networks' [n, m].
Answers = NDArray[np.int8]


class Uncertainty(NamedTuple):
    """Of a mean over n networks and m images, in points. `seeds`: over seeds, for these images, as everywhere
    on the page. `images`: over images, for these networks. `both`: over both, for a new network on new
    images. `images_alone`, `seeds_alone`: the standard error that any number of seeds, or of images, would
    leave; NaN of one network."""

    seeds: Estimate
    images: Estimate
    both: Estimate
    images_alone: float
    seeds_alone: float

    @property
    def of_images(self) -> float:
        """Half the interval that any number of seeds would leave, in points."""
        return float(special.ndtri(0.5 + CONFIDENCE / 2)) * self.images_alone

    @property
    def of_seeds(self) -> float:
        """Half the interval that any number of images would leave, in points."""
        return t_quantile(0.5 + CONFIDENCE / 2, self.seeds.fewest - 1) * self.seeds_alone


class _Squares(NamedTuple):
    """Mean squares of a two-way layout, each over n · m: what they say of the variance of the mean. NaN where
    one network or one image has none."""

    seeds: float
    images: float
    both: float


def uncertainty(answers: Answers) -> Uncertainty:
    """Of the mean of `answers` [n, m], of n networks with seeds of their own about the same m images."""
    n, m = answers.shape
    by_seed = 100 * answers.mean(axis=1, dtype=float)
    mean = float(by_seed.mean())
    a, b, c = _squares(answers)
    known = not too_few(by_seed)
    over_seeds = _estimate(mean, a if known else NAN, n - 1, n)
    over_images = _estimate(mean, b if m > 1 and b > 0 else NAN, m - 1, n)
    total, df = NAN, NAN
    if known and m > 1:
        total = max(a + b - c, a, b)  # the truth is at least either; the estimate need not be
        df = total**2 / (a**2 / (n - 1) + b**2 / (m - 1) + c**2 / ((n - 1) * (m - 1)))
    return Uncertainty(
        over_seeds,
        over_images,
        _estimate(mean, total, df, n),
        math.sqrt(max(0.0, b - c)) if n > 1 else NAN,
        math.sqrt(max(0.0, a - c)) if n > 1 else NAN,
    )


def _estimate(mean: float, variance: float, df: float, n: int) -> Estimate:
    """`variance`: of the mean, with `df` degrees of freedom (Satterthwaite 1946 where it is a sum)."""
    error = math.sqrt(variance) if variance > 0 else NAN
    return Estimate(mean, NAN, error, df if variance > 0 else NAN, NAN, NAN, (n,), paired=True)


def _squares(answers: Answers) -> _Squares:
    """In points squared. Row by row, so that nothing of the size of `answers` is made."""
    n, m = answers.shape
    rows = answers.sum(axis=1, dtype=np.int64) / m
    columns = answers.sum(axis=0, dtype=np.int64) / n
    mean = rows.mean()
    of_seeds = m * float(((rows - mean) ** 2).sum())
    of_images = n * float(((columns - mean) ** 2).sum())
    whole = float(sum(np.square(row, dtype=np.int64).sum() for row in answers)) - n * m * mean**2
    of_both = max(0.0, whole - of_seeds - of_images)
    scale = 100**2 / (n * m)
    return _Squares(
        scale * of_seeds / (n - 1) if n > 1 else NAN,
        scale * of_images / (m - 1) if m > 1 else NAN,
        scale * of_both / ((n - 1) * (m - 1)) if min(n, m) > 1 else NAN,
    )


def mcnemar(ours: Answers, theirs: Answers) -> float:
    """Exact two-sided p of McNemar's test (1947) that two networks err equally often on images like these.

    `ours`, `theirs`: 1 for wrong [m]. It speaks of two networks and not of two ways of training (Dietterich
    1998, section 3.1): where seeds are few it is all that there is.
    """
    apart = ours.astype(np.int64) - theirs
    more, less = int((apart > 0).sum()), int((apart < 0).sum())
    if more + less == 0:
        return 1.0
    return min(1.0, 2 * float(special.bdtr(min(more, less), more + less, 0.5)))
