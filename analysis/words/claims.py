"""The study's claims in sentences: which line is better below which batch size, how far each rises,
and whether it is constant.
"""

import math
from collections.abc import Sequence

from analysis.stats import claims
from analysis.stats.cells import Cell, Line
from analysis.stats.claims import Constancy, Rise
from analysis.stats.crossover import Crossover
from analysis.stats.interaction import Interaction
from analysis.stats.intervals import CI, Interval
from analysis.stats.summary import Summary
from analysis.words.numbers import p_equals, signed, signed_interval, too_few_words


def interaction_sentence(i: Interaction, ours: str, theirs: str) -> tuple[str, str]:
    """“From batch size 32 to 2, BN’s error grows by 5.5 points relative to GN’s.”, “95% CI 4.3 to 6.7, n = 5,
    p < 0.001”"""
    s, sizes = i.summary, f"From batch size {i.largest} to {i.smallest}"
    if i.claimed:
        grows, other = (theirs, ours) if s.mean < 0 else (ours, theirs)
        return (
            f"{sizes}, {grows}’s error grows by {abs(s.mean):.1f} points relative to {other}’s.",
            f"{unsigned_interval(s.interval)}, n = {s.n}, p {p_equals(i.p_holm)}",
        )
    change = f"{ours} − {theirs} changes by {signed(s.mean)} points"
    if not s.interval.known:
        return f"{sizes}, {change}.", f"n = {s.n}: {too_few_words(s.n)}"
    return (
        f"{sizes}, which of {ours}’s and {theirs}’s error grows more is not resolved by {s.n} seeds.",
        f"{change}, {CI} {signed_interval(s.interval)}, p {p_equals(i.p_holm)}",
    )


def unsigned_interval(interval: Interval) -> str:
    """“95% CI 4.3 to 6.7” of an interval on one side of zero, where a word says which."""
    low, high = sorted((abs(interval.low), abs(interval.high)))
    return f"{CI} {low:.1f} to {high:.1f}"


def crossover_sentence(c: Crossover, ours: str, theirs: str) -> str:
    """Below which batch size `ours` has the lower error, with the interval of that batch size."""
    smallest, largest = c.sizes[0], c.sizes[-1]
    few = math.isnan(c.interval.low)
    if not few and not c.resolved:
        return (
            f"Below which batch size {ours} has the lower error is not resolved by {c.n} seeds: "
            f"nothing from below {smallest} to above {largest} is excluded."
        )
    interval = f"n = {c.n}: {too_few_words(c.n)}" if few else f"{CI} of the crossover {_sizes(c)}"
    if math.isinf(c.estimate):
        return (
            f"{ours}’s mean error is below {theirs}’s at every batch size from {largest} to {smallest} "
            f"({interval})."
        )
    if c.estimate == 0:
        return f"{ours}’s mean error is not below {theirs}’s even at batch size {smallest} ({interval})."
    return f"{ours}’s mean error is the lower below a batch size of about {c.estimate:.1f} ({interval})."


def _sizes(c: Crossover) -> str:
    """“3.1 to 9.5”, “above 32”: the interval of the crossover."""
    low, high = c.interval.low, c.interval.high
    beyond = low == high and (low == 0 or math.isinf(low))
    return _size(low, c) if beyond else f"{_size(low, c)} to {_size(high, c)}"


def _size(value: float, c: Crossover) -> str:
    if value == 0:
        return f"below {c.sizes[0]}"
    return f"above {c.sizes[-1]}" if math.isinf(value) else f"{value:.1f}"


def about_lines(cells: Sequence[Cell], names: dict[Line, str], margin: float) -> list[str]:
    """How far each line rises, and whether it is constant."""
    rises = claims.rises(cells)
    facts = [_rise_sentence(rises, names)] if rises else []
    return facts + [constancy_sentence(c, names[c.line]) for c in claims.constancy(cells, margin)][-1:]


def _rise_sentence(rises: Sequence[Rise], names: dict[Line, str]) -> str:
    """One sentence for all lines; a line that lacks the first one's batch sizes names its own."""
    first = rises[0]
    parts = []
    for rise in rises:
        size = _change(rise)
        own = (rise.largest, rise.smallest) != (first.largest, first.smallest)
        sizes = f" from {rise.largest} to {rise.smallest}" if own else ""
        parts.append(f"{names[rise.line]}’s error {size}{sizes}{_bracket(rise.summary)}")
    return f"From batch size {first.largest} to {first.smallest}, {' and '.join(parts)}."


def _change(rise: Rise) -> str:
    """A direction only where the interval has one."""
    mean, interval = rise.summary.mean, rise.summary.interval
    if interval.known and (interval.low > 0 or interval.high < 0):
        return f"{'falls' if mean < 0 else 'rises'} by {abs(mean):.1f} points"
    return f"changes by {signed(mean)} points"


def _bracket(s: Summary) -> str:
    if not s.interval.known:
        return f" (n = {s.n}: {too_few_words(s.n)})"
    if s.interval.low > 0 or s.interval.high < 0:  # the verb says the direction
        return f" ({unsigned_interval(s.interval)})"
    return f" ({CI} {signed_interval(s.interval)})"


def constancy_sentence(c: Constancy, name: str) -> str:
    margin = f"within ±{c.test.margin:g} point{'' if c.test.margin == 1 else 's'}"
    sizes = f"from batch size {c.largest} to {c.smallest}"
    if c.test.shown:
        return f"{name} is constant {sizes}, {margin} (equivalence test, p {p_equals(c.test.p)})."
    if math.isnan(c.test.p):
        return f"Whether {name} is constant {sizes}, {margin}, needs three seeds or more that differ."
    return (
        f"{name} is not shown to be constant {sizes}, {margin} "
        f"(equivalence test, p {p_equals(c.test.p)}, for {c.worst[1]} against {c.worst[0]})."
    )
