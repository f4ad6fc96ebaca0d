"""The answer in words, made from the numbers.

Every sentence states an estimate with its interval. A direction is claimed only where the decision rule
(analysis.stats.paired.decide) allows it; an open question is never rounded up to a result, and where
trials are missing the sentence is followed by one that says so.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.stats import claims
from analysis.stats.cells import Cell, Line, Panel, short_names
from analysis.stats.claims import Constancy, Crossover, Rise
from analysis.stats.differences import Difference
from analysis.stats.summary import Interval

_MINUS = "−"
#: What is wanting, in words; a diverged trial is an outcome and is told of by itself.
STATUS_WORDS = {"failed": "failed", "partial": "begun and not finished", "missing": "not begun"}


class Headline(NamedTuple):
    """`title`: one sentence. `detail`: its interval and n, to be set smaller. `facts`: further sentences."""

    title: str
    detail: str
    facts: tuple[str, ...]


def headline(
    panel: Panel, cells: Sequence[Cell], found: Sequence[Difference], margin: float = claims.MARGIN
) -> Headline:
    """What one panel's cells and their differences say so far."""
    if not any(cell.errors() for cell in cells):
        return Headline("No trial has finished yet.", "", ())
    names = short_names([cell.line for cell in cells])
    pairs = [d for d in found if d.values]
    open_questions = tuple(unfinished(cells, names))
    if not pairs:
        title, detail = lowest(panel, cells)
        return Headline(title, detail, (*about_lines(cells, names, margin), *open_questions))
    main = min(pairs, key=lambda d: (d.batch_size, d.line.order))
    title, detail = sentence(main, names)
    turn = crossover_of([d for d in pairs if d.line == main.line])
    facts = [] if main.claimed else _claimed_elsewhere(main, pairs, names)
    facts += [crossover_sentence(turn, names[main.line], names[main.base])] if turn else []
    kept = [cell for cell in cells if cell.line in {main.line, main.base}]
    return Headline(title, detail, (*facts, *about_lines(kept, names, margin), *open_questions))


def sentence(d: Difference, names: dict[Line, str]) -> tuple[str, str]:
    """“At batch size 2, GN’s error is 5.5 points lower than BN’s.”, “95% CI 4.3 to 6.7, n = 5”"""
    s, ours, theirs = d.summary, names[d.line], names[d.base]
    where = f"At batch size {d.batch_size}"
    size = f"{abs(s.mean):.1f} points {'lower' if s.mean < 0 else 'higher'}"
    if s.n == 1:
        return (
            f"{where}, {ours}’s error is {size} than {theirs}’s in the one seed there is.",
            "n = 1: no interval",
        )
    interval = f"95% CI {signed(s.interval.low)} to {signed(s.interval.high)}, n = {s.n}"
    if d.claimed:
        low, high = sorted((abs(s.interval.low), abs(s.interval.high)))
        return (
            f"{where}, {ours}’s error is {size} than {theirs}’s.",
            f"95% CI {low:.1f} to {high:.1f}, n = {s.n}",
        )
    title = f"{where}, {ours} and {theirs} cannot be told apart."
    detail = f"{ours} − {theirs}: {signed(s.mean)} points, {interval}"
    if s.interval.low > 0 or s.interval.high < 0:
        detail += f"; p = {p_value(d.p_holm)} after Holm’s correction over {d.family} batch sizes"
    return title, detail


def _claimed_elsewhere(main: Difference, pairs: Sequence[Difference], names: dict[Line, str]) -> list[str]:
    """An open question at the smallest batch size must not hide an answer at the others; two at most."""
    others = [d for d in pairs if d.line == main.line and d.claimed]
    said = [sentence(d, names) for d in sorted(others, key=lambda d: d.batch_size)[:2]]
    return [f"{title[:-1]} ({detail})." for title, detail in said]


def lowest(panel: Panel, cells: Sequence[Cell]) -> tuple[str, str]:
    """The best cell, where there is nothing to compare."""
    best = min((cell for cell in cells if cell.errors()), key=lambda cell: cell.summary().mean)
    s = best.summary()
    detail = (
        f"95% CI {s.interval.low:.2f} to {s.interval.high:.2f}, n = {s.n}"
        if s.n > 1
        else "n = 1: no interval"
    )
    return (
        f"{best.line.name} reaches {s.mean:.2f}% {panel.judged} error at batch size {best.batch_size}.",
        detail,
    )


# -- the claims --------------------------------------------------------------------------------------


def crossover_of(pairs: Sequence[Difference]) -> Crossover | None:
    """Where one line starts to beat its base; None with fewer than two batch sizes."""
    found = sorted(pairs, key=lambda d: d.batch_size)
    seeds = sorted({seed for d in found for seed in d.values})
    if len(found) < 2:
        return None
    matrix = np.array([[d.values.get(seed, math.nan) for d in found] for seed in seeds])
    return claims.crossover([d.batch_size for d in found], matrix, np.random.default_rng(0))


def crossover_sentence(c: Crossover, ours: str, theirs: str) -> str:
    smallest, largest = c.sizes[0], c.sizes[-1]
    interval = "one seed: no interval"
    if c.interval.known or math.isinf(c.interval.high):
        interval = f"95% CI {_size(c.interval.low, c)} to {_size(c.interval.high, c)}"
    if math.isinf(c.estimate):
        return (
            f"{ours}’s mean error is below {theirs}’s at every batch size from {largest} to {smallest} "
            f"({interval})."
        )
    if c.estimate == 0:
        return f"{ours}’s mean error is not below {theirs}’s even at batch size {smallest} ({interval})."
    return f"{ours} has the lower error below a batch size of about {c.estimate:.1f} ({interval})."


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
        return f" (95% CI {low:.1f} to {high:.1f})"
    return f" (95% CI {signed(interval.low)} to {signed(interval.high)})"


def constancy_sentence(c: Constancy, name: str) -> str:
    margin = f"within ±{c.test.margin:g} point{'' if c.test.margin == 1 else 's'}"
    sizes = f"from batch size {c.largest} to {c.smallest}"
    if c.test.shown:
        return f"{name} is constant {sizes}, {margin} (equivalence test, p {p_equals(c.test.p)})."
    if math.isnan(c.test.p):
        return f"Whether {name} is constant {sizes}, {margin}, needs two seeds or more."
    return (
        f"{name} is not shown to be constant {sizes}, {margin} "
        f"(equivalence test, p {p_equals(c.test.p)}, for {c.worst[1]} against {c.worst[0]})."
    )


def unfinished(cells: Sequence[Cell], names: dict[Line, str]) -> list[str]:
    """What a reader must know before believing the means."""
    facts = []
    for cell in cells:
        if lost := cell.counts.get("diverged"):
            facts.append(
                f"{lost} of {cell.trials} trials of {names[cell.line]} at batch size {cell.batch_size} "
                f"diverged; "
                "that cell’s mean is of the others alone."
            )
    lacking = Counter[str]()
    for cell in cells:
        lacking.update({status: n for status, n in cell.counts.items() if status in STATUS_WORDS})
    if lacking:
        why = ", ".join(f"{n} {STATUS_WORDS[status]}" for status, n in lacking.items())
        facts.append(f"Not all is in: {why}. These numbers may still move.")
    return facts[:4]


# -- numbers in words --------------------------------------------------------------------------------


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, a true minus."""
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else (_MINUS if value < 0 else "+") + text


def p_value(p: float) -> str:
    """A p-value to two figures; never 0."""
    if math.isnan(p):
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_equals(p: float) -> str:
    """“= 0.03” or “< 0.001”."""
    return "< 0.001" if p < 0.001 else f"= {p_value(p)}"
