"""How much better networks do on what they have seen, in words."""

from collections.abc import Mapping

from analysis.stats.axes import XAxis
from analysis.stats.generalisation import Gap, Place
from analysis.stats.intervals import CI
from analysis.stats.line import Line
from analysis.words.numbers import decimals, n_words, signed, signed_interval, too_few_words

#: Lines that have a sentence each; of more, those with the largest and the smallest gap.
_LINES = 3


def gap_sentences(
    found: Mapping[Place, Gap], axis: XAxis, names: Mapping[Line, str], judged: str
) -> list[str]:
    """Of one panel, at the end of its axis. `judged`: “test” or “validation”."""
    if not found:
        return []
    end = axis.ordered(x for _, x in found)[-1]
    last = [(line, gap) for (line, x), gap in found.items() if x == end]
    if len(last) > _LINES:
        last.sort(key=lambda pair: pair[1].difference.mean)
        last = [last[-1], last[0]]
    return [
        f"At {axis.at(end)} {names[line]} errs on {gap.judged:.2f}% of the {judged} images and on "
        f"{gap.train:.2f}% of the training images, both in evaluation: a gap of {_size(gap)}."
        for line, gap in last
    ]


def _size(gap: Gap) -> str:
    s = gap.difference
    if not s.interval.known:
        return f"{signed(s.mean, 2)} points ({n_words(s)}: {too_few_words(s.fewest)})"
    digits = decimals(s.interval)
    return f"{signed(s.mean, digits)} points ({CI} {signed_interval(s.interval, digits)}, {n_words(s)})"
