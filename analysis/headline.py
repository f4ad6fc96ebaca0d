"""The answer in words, made from the numbers.

The sentence states the estimate and its interval, and claims a direction only where the interval leaves
zero out; it never rounds an open question up to a result.
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.cells import Cell, Panel
from analysis.comparison import Difference, differences

_MINUS = "−"


class Headline(NamedTuple):
    """`title`: one sentence. `facts`: further sentences, in order of weight. Plain text, not HTML."""

    title: str
    facts: tuple[str, ...]


def headline(panel: Panel, cells: Sequence[Cell]) -> Headline:
    """What one panel's cells say so far."""
    finished = [cell for cell in cells if cell.errors()]
    if not finished:
        return Headline("No trial has finished yet.", ())
    pairs = [d for d in differences(cells) if d.values]
    if not pairs:
        return Headline(_best(panel, finished), ())
    main = min(pairs, key=lambda d: (d.batch_size, d.line.order))
    others = [d for d in pairs if d.line == main.line and d.batch_size != main.batch_size]
    return Headline(
        sentence(main), tuple(sentence(d) for d in sorted(others, key=lambda d: -d.batch_size)[:1])
    )


def sentence(d: Difference) -> str:
    """“At batch size 2, GN's error is 5.5 points lower than BN's (95% CI 4.3 to 6.7, n = 5).”"""
    s = d.summary
    ours, theirs, where = d.line.name, d.base.name, f"At batch size {d.batch_size}"
    if s.n == 1:
        return (
            f"{where}, {ours}'s error is {abs(s.mean):.1f} points {_way(s.mean)} than {theirs}'s, "
            "from one seed: no interval."
        )
    low, high = s.interval.low, s.interval.high
    if low <= 0 <= high:
        return (
            f"{where}, {ours} and {theirs} cannot be told apart: a difference of {signed(s.mean)} points "
            f"(95% CI {signed(low)} to {signed(high)}, n = {s.n})."
        )
    near, far = sorted((abs(low), abs(high)))
    return (
        f"{where}, {ours}'s error is {abs(s.mean):.1f} points {_way(s.mean)} than {theirs}'s "
        f"(95% CI {near:.1f} to {far:.1f}, n = {s.n})."
    )


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, a true minus."""
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else (_MINUS if value < 0 else "+") + text


def _way(value: float) -> str:
    return "lower" if value < 0 else "higher"


def _best(panel: Panel, cells: Sequence[Cell]) -> str:
    best = min(cells, key=lambda cell: cell.summary().mean)
    s = best.summary()
    interval = f"95% CI {s.interval.low:.2f} to {s.interval.high:.2f}, " if s.n > 1 else ""
    return (
        f"The lowest {panel.judged} error is {s.mean:.2f}% ({interval}n = {s.n}): {best.line.name} "
        f"at batch size {best.batch_size}."
    )
