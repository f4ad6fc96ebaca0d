"""What may be said of one difference, in a word or two."""

from analysis.plots.differences import Words
from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA
from analysis.words.numbers import p_value, signed, signed_interval, too_few_words


def verdict(d: Difference) -> str:
    """The same behind a sign that is seen at a glance."""
    sign = ("▼ " if d.estimate.mean < 0 else "▲ ") if d.claimed else "= " if d.decided else ""
    return sign + plain_verdict(d)


def plain_verdict(d: Difference) -> str:
    """What may be said of one difference, and who was left out of it."""
    e = d.estimate
    if not e.interval.known:
        words = _too_few(d)
    elif d.claimed:
        words = f"{'lower' if e.mean < 0 else 'higher'} error"
    elif d.decided:
        words = f"alike within ±{d.alike:g}"
    else:
        words = "not resolved" + (" after Holm" if e.p < ALPHA else "")
    if d.pairs and d.pairs.unpaired:
        words += f"; {len(d.pairs.unpaired)} unpaired"
    return words


def _too_few(d: Difference) -> str:
    n = d.estimate.fewest
    if not d.pairs:
        return f"{n} run{'' if n == 1 else 's'}: {too_few_words(n)}"
    return {0: "no pair", 1: "one pair: no interval"}.get(n, f"{n} pairs: {too_few_words(n)}")


def forest_words(d: Difference) -> Words:
    """What stands beside one row of the forest plot: “+0.50 (−0.80 to +1.80)”, p, the verdict."""
    e = d.estimate
    size = signed(e.mean, 2)
    if e.interval.known:
        size += f" ({signed_interval(e.interval, 2)})"
    return Words(size, p_value(d.p_holm), verdict(d))
