"""Numbers as the page and the terminal write them."""

import math
from collections.abc import Sequence

from analysis.stats.estimate import Estimate
from analysis.stats.intervals import FEWEST_VALUES, Interval

_MINUS = "−"


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


def too_few_words(n: int) -> str:
    """Why `n` seeds give no interval: they are too few, or all alike."""
    if n == 1:
        return "no interval"
    return "too few for an interval" if n < FEWEST_VALUES else "all alike, so no interval"


def decimals(interval: Interval) -> int:
    """The fewest decimals, one to three, that tell the ends of an interval from each other and from zero; one
    where it is not known."""
    for digits in (1, 2):
        if not interval.known or len({0, round(interval.low, digits), round(interval.high, digits)}) == 3:
            return digits
    return 3


def n_words(estimate: Estimate) -> str:
    """“n = 5” of pairs, “n = 5 each” or “n = 4 to 5 each” of independent runs."""
    if estimate.paired:
        return f"n = {estimate.fewest}"
    return f"n = {_span(estimate.n)} each"


def seeds_words(estimate: Estimate) -> str:
    """“5 seeds” of pairs, “5 runs of each” or “4 to 5 runs of each” of independent runs."""
    return f"{estimate.fewest} seeds" if estimate.paired else f"{_span(estimate.n)} runs of each"


def _span(n: Sequence[int]) -> str:
    low, high = min(n), max(n)
    return str(low) if low == high else f"{low} to {high}"


def signed_interval(interval: Interval, digits: int = 1) -> str:
    """“−0.4 to +1.2”; a dash where n allows no interval."""
    if not math.isfinite(interval.low):
        return "–"
    return f"{signed(interval.low, digits)} to {signed(interval.high, digits)}"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """“a”, “a and b”, “a, b and c”."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def count_in_words(count: int) -> str:
    """Up to twelve as a word, above in digits."""
    words = [
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ]
    return words[count] if count < len(words) else str(count)
