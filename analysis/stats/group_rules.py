"""A rule for G over widths: one G for all, or one number of channels per group?

The two are the divisions that Wu & He (2018, section 4.1, table 3) compare at one width. Here a network has
one G in every layer, so C/G is that of its narrowest layer, and grows along the network as the channels do.

Compared are the best constant G and the best constant C/G, of the values that every width has, by the error
on average over the widths. What a constant costs beside a search of its own at every width is judged by
seeds that took no part in choosing: each by what all others chose. What the best G of one width does at
another is judged by the runs of that other width.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from analysis.stats.best_groups import confidence, ranked
from analysis.stats.estimate import Array, Errors, Estimate, common_seeds, contrast
from analysis.stats.group_surface import Surface
from analysis.stats.intervals import FEWEST_VALUES
from analysis.stats.lowest import LowestDifference, lowest_difference

#: What stays the same over the widths: G, or the channels per group.
Kind = Literal["groups", "channels"]
KINDS: tuple[Kind, ...] = ("groups", "channels")


class Rule(NamedTuple):
    """The best constant of a kind. `groups`: width -> G. `mean`: error on average over the widths. `tried`:
    of how many values it is the best. `chance`: the share of bootstrap resamples of the seeds in which it
    is; `cost`: points that it loses beside a search at every width; both None where not known."""

    kind: Kind
    value: int
    groups: dict[int, int]
    mean: float
    tried: int
    chance: float | None = None
    cost: float | None = None


class Transfer(NamedTuple):
    """The best G of one width, `source`, at another, `target`: `kept` as it is, or `scaled` with the
    channels; either the nearest that was tried there. `difference`: kept minus scaled, None where they are
    one."""

    source: int
    best: int
    target: int
    kept: int
    scaled: int
    exact: bool
    difference: Estimate | None


class Comparison(NamedTuple):
    """`difference`: the best constant G minus the best constant C/G. `transfers`: from every width to every
    other, by `source` and `target`."""

    rules: dict[Kind, Rule]
    difference: LowestDifference
    transfers: list[Transfer]


def value_of(kind: Kind, channels: int, groups: int) -> int:
    """What G is by that kind: G itself, or the channels per group."""
    return groups if kind == "groups" else channels // groups


def constants(surface: Surface, kind: Kind) -> dict[int, dict[int, int]]:
    """Value -> width -> G, of the values that every width has, ascending."""
    channels = surface.channels
    by_width = {w: {value_of(kind, channels[w], g): g for g in own} for w, own in surface.errors.items()}
    shared = set.intersection(*(set(own) for own in by_width.values()))
    return {value: {w: own[value] for w, own in by_width.items()} for value in sorted(shared)}


def compare(surface: Surface) -> Comparison | None:
    """None where the channels are not known, a kind has no value that every width has, or seeds are
    lacking."""
    if not surface.channels or not all(surface.errors.values()):
        return None
    tried = {kind: constants(surface, kind) for kind in KINDS}
    places = [(width, groups) for width, own in surface.errors.items() for groups in own]
    cells = [surface.errors[width][groups] for width, groups in places]
    if not all(tried.values()) or not (common_seeds(cells) if surface.paired else cells):
        return None
    weights = {kind: _weights(places, list(own.values())) for kind, own in tried.items()}
    difference = lowest_difference(cells, *weights.values(), paired=surface.paired)
    rules = {kind: _rule(kind, tried[kind], surface, common_seeds(cells)) for kind in KINDS}
    widths = surface.widths
    return Comparison(rules, difference, [_transfer(surface, a, b) for a in widths for b in widths if a != b])


def _weights(places: Sequence[tuple[int, int]], values: Sequence[Mapping[int, int]]) -> Array:
    """A row for each value, the mean over the widths [values, places]."""
    return np.array([[(own[w] == g) / len(own) for w, g in places] for own in values], dtype=float)


def _rule(kind: Kind, tried: Mapping[int, Mapping[int, int]], surface: Surface, seeds: Sequence[int]) -> Rule:
    """The best constant. `seeds`: that all cells have, which count where runs are pairs."""
    if not surface.paired or len(seeds) < FEWEST_VALUES:
        means = {value: _mean(own, surface, seeds) for value, own in tried.items()}
        best = min(means, key=lambda value: (means[value], value))
        return Rule(kind, best, dict(tried[best]), means[best], len(tried))
    by_value = _over_widths(tried, surface, seeds)
    errors = {v: dict(zip(seeds, by_value[:, i].tolist(), strict=True)) for i, v in enumerate(tried)}
    found = confidence(ranked(errors), np.random.default_rng(0))
    at_each = [_by_the_others(_array(own, seeds)) for own in surface.errors.values()]
    cost = _by_the_others(by_value) - np.mean(at_each, axis=0)
    return Rule(
        kind,
        found.groups,
        dict(tried[found.groups]),
        math.fsum(errors[found.groups].values()) / len(seeds),
        len(tried),
        found.chances.get(found.groups),
        float(cost.mean()),
    )


def _mean(groups: Mapping[int, int], surface: Surface, seeds: Sequence[int]) -> float:
    """On average over the widths."""
    means = []
    for width, g in groups.items():
        own = surface.errors[width][g]
        kept = [error for seed, error in own.items() if not surface.paired or seed in seeds]
        means.append(math.fsum(kept) / len(kept))
    return math.fsum(means) / len(means)


def _over_widths(tried: Mapping[int, Mapping[int, int]], surface: Surface, seeds: Sequence[int]) -> Array:
    """Each value's error on average over the widths [seeds, values]."""
    by_width = [
        _array({v: surface.errors[w][own[w]] for v, own in tried.items()}, seeds) for w in surface.widths
    ]
    return np.asarray(np.mean(by_width, axis=0))


def _array(errors: Mapping[int, Errors], seeds: Sequence[int]) -> Array:
    """[seeds, columns of `errors`]."""
    return np.array([[own[seed] for own in errors.values()] for seed in seeds])


def _by_the_others(errors: Array) -> Array:
    """The error of each seed in the column whose mean over the other seeds is lowest, the first of those that
    tie [seeds], of `errors` [seeds, columns]."""
    others = np.round(errors.sum(axis=0) - errors, 9)
    return np.asarray(errors[np.arange(len(errors)), others.argmin(axis=1)])


def _transfer(surface: Surface, source: int, target: int) -> Transfer:
    best = next(iter(ranked(surface.errors[source])))
    there, channels = surface.errors[target], surface.channels
    wanted = best * channels[target] / channels[source]
    kept, scaled = _nearest(best, there), _nearest(wanted, there)
    difference = contrast([there[kept], there[scaled]], (1, -1), paired=surface.paired)
    exact = (kept, scaled) == (best, wanted)
    return Transfer(source, best, target, kept, scaled, exact, None if kept == scaled else difference)


def _nearest(wanted: float, tried: Iterable[int]) -> int:
    """The nearest by its logarithm, the smaller of two."""
    return min(tried, key=lambda g: (round(abs(math.log2(g / wanted)), 9), g))
