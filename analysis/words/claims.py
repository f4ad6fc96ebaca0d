"""The study's claims in sentences: which line is better below which batch size, how far each rises,
and whether it is constant.
"""

import math
from collections.abc import Sequence

from analysis.stats import claims
from analysis.stats.cells import Cell, Line
from analysis.stats.claims import Constancy, Rise
from analysis.stats.crossover import Crossover
from analysis.stats.intervals import CI, Interval
from analysis.words.numbers import p_equals, signed_interval, too_few_words


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
        size = f"{'falls' if rise.summary.mean < 0 else 'rises'} by {abs(rise.summary.mean):.1f} points"
        own = (rise.largest, rise.smallest) != (first.largest, first.smallest)
        sizes = f" from {rise.largest} to {rise.smallest}" if own else ""
        parts.append(f"{names[rise.line]}’s error {size}{sizes}{_bracket(rise.summary.interval)}")
    return f"From batch size {first.largest} to {first.smallest}, {' and '.join(parts)}."


def _bracket(interval: Interval) -> str:
    if not interval.known:
        return ""
    if interval.low > 0 or interval.high < 0:  # the verb says the direction
        low, high = sorted((abs(interval.low), abs(interval.high)))
        return f" ({CI} {low:.1f} to {high:.1f})"
    return f" ({CI} {signed_interval(interval)})"


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
