"""What may be said of one difference, in a word or two."""

from analysis.stats.differences import Difference
from analysis.stats.intervals import ALPHA
from analysis.words.numbers import too_few_words


def verdict(d: Difference) -> str:
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
