"""Tests that assume no shape, and pay for that with a smallest p that few seeds cannot get below.

Pairs have only 2ⁿ flips of sign, so the smallest two-sided p is 2/2ⁿ, 1/16 with five seeds, and no result of
five seeds can pass at 0.05. Independent runs can be shared out between two norms in more ways: 252 with five
each."""

import functools
import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.stats.intervals import ALPHA, NAN

#: All 2ⁿ flips up to this many pairs (about a million); a random sample of flips above.
EXACT_PAIRS = 20
#: All ways to share out runs up to this many of them; a random sample of ways above.
EXACT_WAYS = 200_000
#: Flips or ways sampled where all are too many.
SAMPLED = 100_000
#: Runs of a norm up to which the sampled ways are kept for the next comparison: 40 MB.
_KEPT = 100


def sign_flip(differences: ArrayLike, generator: np.random.Generator | None = None) -> float:
    """Two-sided p of the sign-flip permutation test for `differences` [n] (Fisher 1935, section 21).

    Exact, over all 2ⁿ flips, for n ≤ 20. Above, from 100,000 flips drawn with `generator`, with the
    observed one counted in (Phipson & Smyth 2010), so it is never zero. NaN for n = 0.
    """
    x = np.asarray(differences, dtype=float).ravel()
    if x.size == 0:
        return NAN
    observed = abs(x.sum())
    slack = 1e-12 * np.abs(x).sum()  # sums of the same numbers in another order
    if x.size <= EXACT_PAIRS:
        sums = np.abs(_all_flips(x))
        return float(np.count_nonzero(sums >= observed - slack) / sums.size)
    generator = generator or np.random.default_rng(0)
    hits = 0
    for _ in range(10):  # in parts, to keep memory small
        flips = generator.integers(0, 2, size=(SAMPLED // 10, x.size), dtype=np.int8)
        hits += int(np.count_nonzero(np.abs((2.0 * flips - 1) @ x) >= observed - slack))
    return (hits + 1) / (SAMPLED + 1)


def _all_flips(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums under every assignment of signs [2ⁿ]."""
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def exchange(a: ArrayLike, b: ArrayLike, generator: np.random.Generator | None = None) -> float:
    """Two-sided p of the permutation test for two independent samples `a` [n], `b` [m].

    The statistic is Welch's t, so that unequal variances spoil the test as little as can be (Janssen 1997).
    Exact, over all ways to share out the n + m values, up to EXACT_WAYS; above from SAMPLED ways drawn with
    `generator`, with the observed one counted in. NaN where a sample has fewer than two values.
    """
    x, y = np.asarray(a, dtype=float).ravel(), np.asarray(b, dtype=float).ravel()
    if min(x.size, y.size) < 2:
        return NAN
    pool = np.concatenate([x, y])
    pool = pool - pool.mean()
    observed = _welch_t(pool, np.arange(x.size)[None])[0]
    if math.comb(pool.size, x.size) <= EXACT_WAYS:
        return float(np.mean(_welch_t(pool, _ways(pool.size, x.size)) >= observed * (1 - 1e-9)))
    if generator is None and x.size <= _KEPT:
        parts: Iterable[NDArray[np.signedinteger]] = _usual(pool.size, x.size)
    else:
        parts = _drawn(pool.size, x.size, generator or np.random.default_rng(0))
    hits = sum(int(np.count_nonzero(_welch_t(pool, part) >= observed * (1 - 1e-9))) for part in parts)
    return (hits + 1) / (SAMPLED + 1)


def _drawn(total: int, first: int, generator: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """SAMPLED random choices of `first` of `total`, in ten parts, to keep memory small."""
    for _ in range(10):
        numbers = generator.random((SAMPLED // 10, total))
        yield np.argpartition(numbers, first - 1, axis=1)[:, :first]


@functools.lru_cache(maxsize=2)
def _usual(total: int, first: int) -> list[NDArray[np.int32]]:
    """The same ones for every comparison of a study, which differ in the numbers and not in how many."""
    return [part.astype(np.int32) for part in _drawn(total, first, np.random.default_rng(0))]


@functools.lru_cache(maxsize=4)
def _ways(total: int, first: int) -> NDArray[np.int64]:
    """Every choice of `first` of `total` [ways, first]."""
    return np.array(list(itertools.combinations(range(total), first)))


def _welch_t(pool: NDArray[np.float64], chosen: NDArray[np.signedinteger]) -> NDArray[np.float64]:
    """|Welch's t| of the `chosen` [ways, n] of `pool` against the rest; ∞ where neither side has a spread and
    the means differ, 0 where they do not."""
    n, m = chosen.shape[1], pool.size - chosen.shape[1]
    ours, squares = pool[chosen].sum(axis=1), (pool[chosen] ** 2).sum(axis=1)
    theirs, their_squares = pool.sum() - ours, (pool**2).sum() - squares
    u = np.maximum(squares - ours**2 / n, 0) / (n - 1) / n
    v = np.maximum(their_squares - theirs**2 / m, 0) / (m - 1) / m
    apart, spread = np.abs(ours / n - theirs / m), np.sqrt(u + v)
    scale = float(np.ptp(pool))
    with np.errstate(divide="ignore", invalid="ignore"):
        t: NDArray[np.float64] = np.where(spread > 1e-7 * scale, apart / spread, np.inf)
    return np.where(apart > 1e-9 * scale, t, 0.0)


def smallest_p(n: int, m: int | None = None) -> float:
    """The smallest two-sided p that `n` pairs can give, or independent samples of `n` and `m`."""
    if m is not None:
        return min(1.0, (2 if n == m else 1) / math.comb(n + m, n)) if min(n, m) > 1 else NAN
    return min(1.0, 2.0 ** (1 - n)) if n else NAN  # not 2 / 2**n, which overflows from 1,025 pairs


def fewest_seeds(family: int = 1, *, paired: bool = True) -> int:
    """The fewest pairs, or independent runs of each norm, with which such a test can give a p below ALPHA.

    By Holm's correction over `family` tests: where all of them give their smallest p, the factor is their
    number.
    """
    return next(n for n in range(2, 1_000) if family * smallest_p(n, None if paired else n) < ALPHA)
