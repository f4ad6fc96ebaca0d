"""The answer of a G search in words."""

import math

import numpy as np

from analysis.plots.gsearch import GSearchInfo
from analysis.stats.best_groups import BestGroups, confidence
from analysis.stats.estimate import Estimate
from analysis.stats.intervals import CI, FEWEST_VALUES
from analysis.words.headline import Headline
from analysis.words.numbers import n_words, seeds_words, signed, signed_interval, too_few_words
from analysis.words.selection import selection_sentences


def search_headline(search: GSearchInfo) -> Headline:
    """Which G won, by how much, and how sure the seeds make us."""
    out = _out_of_the_running(search)
    best = best_of(search)
    if best is None:
        title = f"No G can be chosen for {search.line.short} at {search.where}: trials of every G diverged."
        return Headline(title, "", out)
    point = next(p for p in search.points if p.groups == best.groups)
    detail = f"n = {len(point.values)}"
    if math.isfinite(point.low):
        detail = f"{CI} {point.low:.2f} to {point.high:.2f}, {detail}"
    else:
        detail += f": {too_few_words(len(point.values))}"
    facts = []
    if best.chances:
        share = best.chances[best.groups]
        facts.append(f"In {share:.0%} of bootstrap resamples of the seeds, G = {best.groups} is the best.")
    if best.lead is not None and best.lead.fewest > 1:
        facts.append(_runner_up_sentence(best, best.lead))
    facts += selection_sentences(best, len(search.points), search.line.short)
    who = f"{search.line.short} with G = {best.groups}"
    title = f"{who} has the lowest validation error, {point.mean:.2f}%, at {search.where}."
    return Headline(title, detail, (*facts, *out))


def _runner_up_sentence(best: BestGroups, lead: Estimate) -> str:
    """How far behind the runner-up is; a direction only where the interval has one."""
    how = "paired by seed" if lead.paired else "independent runs"
    who, seeds = f"The runner-up, G = {best.runner_up}", f"{how}, {n_words(lead)}"
    if not lead.interval.known:
        return f"{who}, differs by {signed(lead.mean, 2)} points ({too_few_words(lead.fewest)}, {seeds})."
    if lead.interval.low > 0:
        interval = f"{CI} {lead.interval.low:.2f} to {lead.interval.high:.2f}"
        return f"{who}, has {lead.mean:.2f} points more error ({interval}, {seeds})."
    evidence = f"{signed(lead.mean, 2)} points, {CI} {signed_interval(lead.interval, 2)}, {seeds}"
    return (
        f"Whether the runner-up, G = {best.runner_up}, has the higher error is not resolved by "
        f"{seeds_words(lead)} ({evidence})."
    )


def _out_of_the_running(search: GSearchInfo) -> tuple[str, ...]:
    """A sentence for each G that cannot win."""
    return tuple(
        f"G = {p.groups} cannot win: {p.diverged} of its trials diverged."
        for p in search.points
        if p.diverged
    )


def best_of(search: GSearchInfo) -> BestGroups | None:
    """The best G of a search, the same numbers wherever the page shows them; None where none may win. Its
    chances and its optimism are left out where resamples of so few seeds say nothing."""
    if not search.contenders:
        return None
    best = confidence(search.contenders, np.random.default_rng(0), paired=search.paired)
    few = min(map(len, search.contenders.values())) < FEWEST_VALUES
    return best._replace(chances={}, optimism=None) if few else best
