"""The best G of a search, by validation error: one rule for `--groups-from` and for the report.

A search is made at one width, which decides what G may be; several widths are several searches.

The lowest mean over the seeds wins, the smaller G where two tie. A G of which a trial diverged cannot
win: the mean over the seeds that survived would flatter it, and the sweep that takes this G would
diverge for some of its seeds too.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import pandas as pd

from analysis.sources.frame import counted
from analysis.stats.cells import Cell, cells
from analysis.stats.estimate import Array, Errors, Estimate, common_seeds, contrast, matrix
from analysis.stats.intervals import RESAMPLES
from model.errors import InputError
from model.own import unpinned
from model.spec import AXES

#: What is chosen: a G, or the values of several axes.
Key = TypeVar("Key", bound="Rankable")
#: What the searches of one study share: every axis but the width, and the G that is searched for.
_SHARED = [name for name in AXES if name not in {"groups", "width"}]


class Rankable(Protocol):
    def __hash__(self) -> int: ...
    def __lt__(self, other: Any, /) -> bool: ...


def contenders(search: Sequence[Cell]) -> dict[int, Errors]:
    """G -> seed -> error in percent of the Gs that may win, the best first.

    `search`: cells that differ in G alone. A seed without a result yet is left out
    of its G's mean; whoever needs every seed checks that first.
    """
    return ranked(
        {
            cell.line.groups: cell.errors()
            for cell in search
            if cell.line.groups is not None
            and cell.errors()
            and not cell.counts.get("diverged")
            and len(cell.errors()) == cell.counts["done"]
        }
    )


def ranked(errors: Mapping[Key, Errors]) -> dict[Key, Errors]:
    """The same by their means, the lowest first, the smaller of two that tie: whose means are one but for
    rounding."""
    means = {key: round(math.fsum(own.values()) / len(own), 9) for key, own in errors.items()}
    return {key: errors[key] for key in sorted(means, key=lambda key: (means[key], key))}


def best_groups(frame: pd.DataFrame, norms: Collection[str] = ()) -> dict[int, int]:
    """Width -> the best G there, of the finished search that `frame` (as from analysis.load) holds.

    Only trials judged on held-out images count. `norms`: those that G is for; of searches of several norms
    in groups theirs is taken. Raises InputError where there is no search, where it is unfinished, where there
    are several that differ in more than the width, or where no G may win.
    """
    search = frame[frame["groups"].notna() & (frame["holdout"].fillna(0) > 0)]
    if search.empty:
        raise InputError(
            "the results hold no G search: no trial of a norm in groups was judged on held-out images. "
            "Run one with --grid gsearch."
        )
    wanted = {unpinned(norm) for norm in norms}
    if search["norm"].nunique() > 1:
        search = search[[unpinned(norm) in wanted for norm in search["norm"]]]
    if search["norm"].nunique() != 1:
        raise InputError(
            "the results hold G searches of several norms: say by --norms which of them G is for"
        )
    if len(search[_SHARED].drop_duplicates()) > 1:
        raise InputError(
            "the results hold more than one G search (they differ in more than G, the width and the seed)"
        )
    search = counted(search)
    ended = search["status"].isin(["done", "diverged"])
    if not ended.all():
        raise InputError(
            f"the G search is unfinished: {int((~ended).sum())} of {len(search)} trials have no result. "
            "Run it again to finish it."
        )
    widths = sorted(search["width"].unique().tolist())
    return {width: _best(search[search["width"] == width], width, len(widths)) for width in widths}


def _best(search: pd.DataFrame, width: int, widths: int) -> int:
    best = next(iter(contenders(cells(search))), None)
    if best is None:
        where = f" at width {width}" if widths > 1 else ""
        raise InputError(f"no G of the search has a validation error for every seed{where} (trials diverged)")
    return best


class BestGroups(NamedTuple):
    """`groups`: the best G. `chances`: G -> share of bootstrap resamples in which it is best.
    `lead`: the runner-up's error minus the best's, in points; None with one G. `optimism`: how far below its
    own mean over all seeds the winner of a resample lies in it, on average, in points, which is what being
    chosen takes off an error (Efron 1983); None where nothing was resampled."""

    groups: int
    chances: dict[int, float]
    lead: Estimate | None
    runner_up: int | None
    optimism: float | None = None


def confidence(
    errors: Mapping[int, Errors],
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    *,
    paired: bool = True,
) -> BestGroups:
    """How sure the seeds make us of the first of `errors`, as `contenders` gives them.

    Where `paired`, whole seeds are resampled, of those that every G finished; where not, each G's runs by
    themselves. Ties are shared. Raises ValueError where `errors` is empty.
    """
    if not errors:
        raise ValueError("no G may win")
    order, runs = list(errors), list(errors.values())
    chances: dict[int, float] = {}
    optimism = None
    if (len(common_seeds(runs)) if paired else min(map(len, runs))) > 1:
        means, resampled = _resampled(runs, generator, resamples, paired)
        wins = resampled <= resampled.min(axis=1, keepdims=True) + 1e-12
        shares = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
        chances = {g: float(share) for g, share in zip(order, shares, strict=True)}
        optimism = float((means[resampled.argmin(axis=1)] - resampled.min(axis=1)).mean())
    if len(order) == 1:
        return BestGroups(order[0], chances, None, None, optimism)
    lead = contrast([runs[1], runs[0]], (1, -1), paired=paired)
    return BestGroups(order[0], chances, lead, order[1], optimism)


def _resampled(
    runs: Sequence[Errors], generator: np.random.Generator, resamples: int, paired: bool
) -> tuple[Array, Array]:
    """The mean of each G [G], and in each resample [resamples, G]."""
    if paired:
        errors = matrix(runs)
        draws = generator.integers(0, len(errors), size=(resamples, len(errors)))
        return errors.mean(axis=0), errors[draws].mean(axis=1)
    values = [np.array(list(own.values())) for own in runs]
    drawn = [x[generator.integers(0, x.size, size=(resamples, x.size))].mean(axis=1) for x in values]
    return np.array([x.mean() for x in values]), np.stack(drawn, axis=1)
