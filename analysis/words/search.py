"""The answer of a G search in words."""

import math

import numpy as np

from analysis.plots.gsearch import GSearchInfo
from analysis.stats.best_groups import BestGroups, confidence
from analysis.stats.intervals import CI
from analysis.words.headline import Headline
from analysis.words.numbers import signed, signed_interval, too_few_words


def search_headline(search: GSearchInfo) -> Headline:
    """Which G won, by how much, and how sure the seeds make us."""
    out = _out_of_the_running(search)
    best = best_of(search)
    if best is None:
        return Headline(f"No G may be chosen at batch size {search.batch_size}.", "trials diverged", out)
    point = next(p for p in search.points if p.groups == best.groups)
    interval = f"{CI} {point.low:.2f} to {point.high:.2f}, " if math.isfinite(point.low) else ""
    facts = []
    if best.chances:
        share = best.chances[best.groups]
        facts.append(f"In {share:.0%} of bootstrap resamples of the seeds, G = {best.groups} is the best.")
    if best.lead is not None and best.lead.n > 1:
        sure = too_few_words(best.lead.n)
        if best.lead.interval.known:
            sure = f"{CI} {signed_interval(best.lead.interval, 2)}"
        facts.append(
            f"The runner-up, G = {best.runner_up}, has {signed(best.lead.mean, 2)} points of error "
            f"({sure}, paired by seed, n = {best.lead.n})."
        )
    title = (
        f"G = {best.groups} has the lowest validation error, {point.mean:.2f}%, at batch size "
        f"{search.batch_size}."
    )
    return Headline(title, f"{interval}n = {len(point.values)}", (*facts, *out))


def _out_of_the_running(search: GSearchInfo) -> tuple[str, ...]:
    """A sentence for each G that cannot win."""
    return tuple(
        f"G = {p.groups} cannot win: {p.diverged} of its trials diverged."
        for p in search.points
        if p.diverged
    )


def best_of(search: GSearchInfo) -> BestGroups | None:
    """The best G of a search, the same numbers wherever the page shows them; None where none may win."""
    return confidence(search.contenders, np.random.default_rng(0)) if search.contenders else None
