"""The study's claims in sentences: which line is better below which batch size, how far each rises,
and whether it is constant.
"""

import math
from collections.abc import Sequence

from analysis.stats import claims
from analysis.stats.cells import Cell
from analysis.stats.choices import Choices, Margin
from analysis.stats.claims import Constancy, Rise
from analysis.stats.crossover import Crossover
from analysis.stats.estimate import Estimate
from analysis.stats.interaction import Interaction
from analysis.stats.intervals import CI, Interval
from analysis.stats.line import Line
from analysis.words.names import error_of, sentence_case, whose
from analysis.words.numbers import (
    decimals,
    n_words,
    p_equals,
    seeds_words,
    signed,
    signed_interval,
    too_few_words,
)


def interaction_sentence(i: Interaction, ours: str, theirs: str) -> tuple[str, str]:
    """“From batch size 32 to 2, BN’s error grows by 5.5 points relative to GN’s.”, “95% CI 4.3 to 6.7, n = 5,
    p < 0.001”"""
    s, sizes = i.estimate, f"From {i.x.span(i.first, i.last)}"
    if i.claimed:
        return (
            f"{sizes}, {_relative(i, ours, theirs)}.",
            f"{unsigned_interval(s.interval)}, {n_words(s)}, p {p_equals(i.p_holm)}",
        )
    digits = decimals(s.interval)
    change = f"{ours} − {theirs} changes by {signed(s.mean, digits)} points"
    if not s.interval.known:
        return f"{sizes}, {change}.", f"{n_words(s)}: {too_few_words(s.fewest)}"
    return (
        f"{sizes}, whether {error_of(ours)} or {whose(theirs)} grows more is not resolved by "
        f"{seeds_words(s)}.",
        f"{change}, {CI} {signed_interval(s.interval, digits)}, p {p_equals(i.p_holm)}",
    )


def _relative(i: Interaction, ours: str, theirs: str) -> str:
    """What grows or falls relative to what: only an error that by its own interval does so."""
    s = i.estimate
    by = f"by {abs(s.mean):.{decimals(s.interval)}f} points"
    up, down = ((theirs, i.theirs), (ours, i.ours)) if s.mean < 0 else ((ours, i.ours), (theirs, i.theirs))
    if up[1].interval.low > 0:
        return f"{error_of(up[0])} grows {by} relative to {whose(down[0])}"
    if down[1].interval.high < 0:
        return f"{error_of(down[0])} falls {by} relative to {whose(up[0])}"
    return f"{ours} − {theirs} {'falls' if s.mean < 0 else 'rises'} {by}"


def unsigned_interval(interval: Interval) -> str:
    """“95% CI 4.3 to 6.7” of an interval on one side of zero, where a word says which."""
    low, high = sorted((abs(interval.low), abs(interval.high)))
    digits = decimals(interval)
    return f"{CI} {low:.{digits}f} to {high:.{digits}f}"


def crossover_sentence(c: Crossover, ours: str, theirs: str) -> str:
    """Below which batch size `ours` has the lower error, with the interval of that batch size."""
    smallest, largest = c.sizes[0], c.sizes[-1]
    few = math.isnan(c.interval.low)
    least = min(c.differences, key=lambda d: d.fewest)
    if c.differences[0].interval.low > 0 and c.differences[-1].interval.high < 0:
        return (
            f"{ours} has the lower error at batch size {largest} and the higher one at {smallest}: there "
            "is no batch "
            f"size below which it is better than {theirs}."
        )
    if not few and not c.resolved:
        return (
            f"Below which batch size {ours} has the lower error is not resolved by {seeds_words(least)}: "
            f"nothing from below {smallest} to above {largest} is excluded."
        )
    interval = (
        f"{n_words(least)}: {too_few_words(least.fewest)}" if few else f"{CI} of the crossover: {_sizes(c)}"
    )
    if math.isinf(c.estimate):
        return (
            f"{ours} has a lower mean error than {theirs} at every batch size from {largest} to {smallest} "
            f"({interval})."
        )
    if c.estimate == 0:
        return f"Even at batch size {smallest}, {ours} has no lower mean error than {theirs} ({interval})."
    return (
        f"{ours} has a lower mean error than {theirs} below a batch size of about {c.estimate:.1f} "
        f"({interval})."
    )


def _sizes(c: Crossover) -> str:
    """“3.1 to 9.5”, “above 32”: the interval of the crossover."""
    low, high = c.interval.low, c.interval.high
    beyond = low == high and (low == 0 or math.isinf(low))
    return _size(low, c) if beyond else f"{_size(low, c)} to {_size(high, c)}"


def _size(value: float, c: Crossover) -> str:
    if value == 0:
        return f"below {c.sizes[0]}"
    return f"above {c.sizes[-1]}" if math.isinf(value) else f"{value:.1f}"


def about_lines(cells: Sequence[Cell], names: dict[Line, str], choices: Choices) -> list[str]:
    """How far each line rises, and whether the last is constant."""
    rises = claims.rises(cells, choices)
    facts = [_rise_sentence(rises, names)] if rises else []
    return facts + [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, choices)][-1:]


def _rise_sentence(rises: Sequence[Rise], names: dict[Line, str]) -> str:
    """One sentence for all lines; a line that lacks the ends of the first one names its own."""
    first = rises[0]
    parts = []
    for rise in rises:
        size = _change(rise)
        own = (rise.first, rise.last) != (first.first, first.last)
        sizes = f" from {rise.x.text(rise.first)} to {rise.x.text(rise.last)}" if own else ""
        parts.append(f"{error_of(names[rise.line])} {size}{sizes}{_bracket(rise.estimate)}")
    return f"From {first.x.span(first.first, first.last)}, {' and '.join(parts)}."


def _change(rise: Rise) -> str:
    """A direction only where the interval has one."""
    mean, interval = rise.estimate.mean, rise.estimate.interval
    digits = decimals(interval)
    if interval.known and (interval.low > 0 or interval.high < 0):
        return f"{_moves(rise)} by {abs(mean):.{digits}f} points"
    return f"changes by {signed(mean, digits)} points"


def _moves(rise: Rise) -> str:
    return "falls" if rise.estimate.mean < 0 else "rises"


def _bracket(s: Estimate) -> str:
    if not s.interval.known:
        return f" ({n_words(s)}: {too_few_words(s.fewest)})"
    if s.interval.low > 0 or s.interval.high < 0:  # the verb says the direction
        return f" ({unsigned_interval(s.interval)})"
    return f" ({CI} {signed_interval(s.interval, decimals(s.interval))})"


def constancy_sentence(c: Constancy, name: str) -> str:
    """Whether a line is constant within the margin; where it is seen not to be, how far it varies."""
    x = c.rise.x
    sizes = f"from {x.span(c.rise.first, c.rise.last)}"
    within = f"within {margin_words(c)}"
    if math.isnan(c.test.p):
        return (
            f"Whether {error_of(name)} is constant {sizes}, {within}, needs three seeds or more that differ."
        )
    evidence = (
        f"equivalence test, p {p_equals(c.test.p)}; hardest for {x.text(c.worst[0])} against "
        f"{x.text(c.worst[1])}, {100 * c.test.interval.level:g}% CI {signed_interval(c.test.interval, 2)}, "
        f"so the smallest margin that passes is ±{math.ceil(100 * c.test.reach) / 100:.2f}"
    )
    if c.test.shown:
        return f"{sentence_case(error_of(name))} is constant {sizes}, {within} ({evidence})."
    if c.rise.at_least > c.test.margin:
        return (
            f"{sentence_case(error_of(name))} is not constant {sizes}, {within}: it {_at_least(c.rise)} "
            f"({unsigned_interval(c.rise.estimate.interval)})."
        )
    moves = f", though it {_at_least(c.rise)}" if c.rise.at_least > 0 else ""
    seeds = seeds_words(c.rise.estimate)
    question = f"Whether {error_of(name)} is constant {sizes}, {within},"
    return f"{question} is not resolved by {seeds}{moves} ({evidence})."


def _at_least(rise: Rise) -> str:
    """“rises by at least 5.6 points”, as far as the interval excludes less."""
    return f"{_moves(rise)} by at least {rise.at_least:.{decimals(rise.estimate.interval)}f} points"


def margin_words(c: Constancy) -> str:
    """“the default margin of ±1 point”, “the chosen margin of ±5% of its error at batch size 32, which is
    ±0.7 points”."""
    whose = "planned" if c.margin.planned else "chosen" if c.margin.chosen else "default"
    points = f"±{c.test.margin:.2g} point{'' if c.test.margin == 1 else 's'}"
    if c.margin.relative:
        points = f"±{c.margin.value:g}% of its error at {c.rise.x.at(c.rise.first)}, which is {points}"
    return f"the {whose} margin of {points}"


def margin_origin(margin: Margin) -> str:
    """Who chose the margin, and when."""
    if margin.planned:
        return "The margin is that of the analysis plan, recorded in the sweep’s sweep.json."
    if not margin.chosen:
        return (
            f"The default margin of {margin.value:g} point{'' if margin.value == 1 else 's'} is built "
            "into the program, so it was fixed before these data were seen; --margin sets another."
        )
    said = f"{margin.value:g}{'%' if margin.relative else ''}"
    known = " The error that it is a percentage of is treated as known." if margin.relative else ""
    return (
        f"The margin was chosen by whoever made this page (--margin {said}); the page cannot know whether "
        f"that was before the data were seen.{known}"
    )
