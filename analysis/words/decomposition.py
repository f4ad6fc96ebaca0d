"""Where a norm's error comes from, in words: no part is said to be there that its interval does not show."""

from collections.abc import Mapping, Sequence

from analysis.stats.axes import XAxis
from analysis.stats.decomposition import Part, Rise
from analysis.stats.estimate import Estimate
from analysis.stats.intervals import CI
from analysis.stats.line import Line
from analysis.words.claims import unsigned_interval
from analysis.words.names import error_of, sentence_case
from analysis.words.numbers import decimals, n_words, seeds_words, signed, signed_interval, too_few_words

_ANEW = "when its statistics are measured anew"


def decomposition_sentences(parts: Sequence[Part], axis: XAxis, names: Mapping[Line, str]) -> list[str]:
    """Of each line: its rise to the end of the axis and what it is made of, and what each batch's own
    statistics do there. `parts`: of one panel."""
    sentences = []
    for line in dict.fromkeys(part.line for part in parts):
        own = [part for part in parts if part.line == line]
        end = axis.ordered(part.x for part in own)[-1]
        last = next(part for part in own if part.x == end)
        at, name = axis.at(last.x), names[line]
        if last.rise is None:
            sentences.append(_gap_sentence(last, at, name))
        else:
            sentences.append(_rise_sentence(last.rise, axis, at, name))
            sentences += _parts_sentences(last.rise)
        if last.batch is not None:
            sentences.append(_batch_sentence(last.batch, at, name))
    return sentences


def _rise_sentence(rise: Rise, axis: XAxis, at: str, name: str) -> str:
    span = f"from {axis.at(rise.first)} to {at}"
    s = rise.whole
    if not s.interval.known:
        return (
            f"{sentence_case(span)} the mean of {error_of(name)} with running statistics changes by "
            f"{signed(s.mean, 2)} points in {_seeds(s)}, {signed(rise.evaluation.mean, 2)} of them with the "
            f"running statistics and {signed(rise.training.mean, 2)} without ({n_words(s)}: "
            f"{too_few_words(s.fewest)})."
        )
    if s.interval.low > 0 or s.interval.high < 0:
        verb = "rises" if s.mean > 0 else "falls"
        return f"{sentence_case(span)} {error_of(name)} {verb} by {_amount(s)}."
    return (
        f"Whether {error_of(name)} changes {span} is not resolved by {seeds_words(s)} ({_signed(s)}), so "
        "there may be nothing to decompose."
    )


def _parts_sentences(rise: Rise) -> list[str]:
    """What the change is made of; nothing where there is no interval, which has been said."""
    if not rise.whole.interval.known:
        return []
    return [_evaluation_sentence(rise), _training_sentence(rise)]


def _evaluation_sentence(rise: Rise) -> str:
    e, grows = rise.evaluation, rise.whole.interval.low > 0
    if not e.interval.known:
        return f"Evaluation, the part that disappears {_ANEW}: {_bare(e)}."
    if e.interval.low > 0:
        return (
            f"Evaluation: {_amount(e)}, which disappear {_ANEW}."
            if grows
            else f"Evaluation: a rise of {_amount(e)}, which disappears {_ANEW}."
        )
    if e.interval.high < 0:
        return (
            f"Evaluation: no part of it; {_ANEW} the rise is larger by {_amount(e)}."
            if grows
            else f"Evaluation: a fall of {_amount(e)}, which disappears {_ANEW}."
        )
    by = f"{seeds_words(e)} ({_signed(e)})"
    return f"Evaluation: whether any of it disappears {_ANEW} is not resolved by {by}."


def _training_sentence(rise: Rise) -> str:
    t, grows = rise.training, rise.whole.interval.low > 0
    if not t.interval.known:
        return f"Training, the part that remains {_ANEW}: {_bare(t)}."
    if t.interval.low > 0:
        return (
            f"Training: {_amount(t)}, which remain {_ANEW}."
            if grows
            else f"Training: a rise of {_amount(t)}, which remains {_ANEW}."
        )
    if t.interval.high < 0:
        return f"Training: {_ANEW} the error falls by {_amount(t)}."
    return f"Training: whether any of it remains {_ANEW} is not resolved by {seeds_words(t)} ({_signed(t)})."


def _gap_sentence(part: Part, at: str, name: str) -> str:
    return _two_ways(part.gap, at, f"{error_of(name)} with running statistics", "with precise ones")


def _batch_sentence(s: Estimate, at: str, name: str) -> str:
    return _two_ways(s, at, f"{error_of(name)} with each batch’s own statistics", "with running ones")


def _two_ways(s: Estimate, at: str, ours: str, theirs: str) -> str:
    """One network's error by statistics of one kind, set against that by another."""
    if not s.interval.known:
        return f"At {at}, {ours} minus that {theirs} is {_bare(s)}."
    digits = decimals(s.interval)
    if s.interval.low > 0 or s.interval.high < 0:
        size = f"{abs(s.mean):.{digits}f} points {'lower' if s.mean < 0 else 'higher'}"
        return f"At {at}, {ours} is {size} than {theirs} ({unsigned_interval(s.interval)}, {n_words(s)})."
    which = f"whether {ours} or that {theirs} is lower"
    return f"At {at}, {which} is not resolved by {seeds_words(s)} ({_signed(s)})."


def _amount(s: Estimate) -> str:
    """“16.6 points (95% CI 14.1 to 19.2, n = 5)”, without a sign."""
    digits = decimals(s.interval)
    return f"{abs(s.mean):.{digits}f} points ({unsigned_interval(s.interval)}, {n_words(s)})"


def _signed(s: Estimate) -> str:
    digits = decimals(s.interval)
    return f"{signed(s.mean, digits)} points, {CI} {signed_interval(s.interval, digits)}, {n_words(s)}"


def _bare(s: Estimate) -> str:
    return f"{signed(s.mean, 2)} points in {_seeds(s)} ({n_words(s)}: {too_few_words(s.fewest)})"


def _seeds(s: Estimate) -> str:
    return "one seed" if s.fewest == 1 else seeds_words(s)
