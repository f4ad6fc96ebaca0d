"""Whether what one panel shows holds in the others, in words."""

from collections.abc import Mapping, Sequence

from analysis.stats.axes import value_text, word
from analysis.stats.elsewhere import Elsewhere
from analysis.stats.line import Line
from analysis.stats.outcomes import Claim, Outcome, Verdict
from analysis.stats.panel import Panel
from analysis.words.choices import claim_words
from analysis.words.names import error_of, whose
from analysis.words.numbers import listed

#: Exceptions that a sentence names; the table has them all.
_MOST = 4
#: Verdict on a difference -> what an error is, beside another.
_IS: dict[Verdict, str] = {
    "lower": "lower",
    "higher": "higher",
    "alike": "alike within the margin",
    "not resolved": "not resolved",
}


def axes_words(varied: Sequence[str]) -> str:
    """“learning rate”, “combination of learning rate and momentum”."""
    words = [word(name) for name in varied]
    return words[0] if len(words) == 1 else f"combination of {listed(words)}"


def where_words(panels: Sequence[Panel], varied: Sequence[str]) -> str:
    """“learning rate 0.05 and 0.1”; with several axes “learning rate 0.1, momentum 0.9 and …”."""
    if len(varied) == 1 and all(panel[varied[0]] is not None for panel in panels):
        return f"{word(varied[0])} {listed([value_text(panel[varied[0]]) for panel in panels])}"
    return listed([f"({panel.named(varied)})" for panel in panels])


def holds_sentence(held: Elsewhere, varied: Sequence[str], names: Mapping[Line, str]) -> str:
    """Whether any claim has another answer in another panel, and which."""
    every, count = f"at every {axes_words(varied)}", len(held.claims)
    moved = {claim: held.moved(claim) for claim in held.claims}
    moved = {claim: panels for claim, panels in moved.items() if panels}
    questions = f"{count} question{'' if count == 1 else 's'}"
    if not moved:
        whole = "Yes: the one question has" if count == 1 else f"Yes: all {questions} have"
        return f"{whole} the same answer {every}."
    same = count - len(moved)
    exception = "The exception" if len(moved) == 1 else "The exceptions"
    parts = [f"{claim_words(claim, names)}, at {where_words(own, varied)}" for claim, own in moved.items()]
    if len(parts) > _MOST:
        parts[_MOST:] = [f"and {len(parts) - _MOST} more"]
    have = "has" if same == 1 else "have"
    return f"{same} of {questions} {have} the same answer {every}. {exception}: {'; '.join(parts)}."


def main_claim(held: Elsewhere) -> Claim | None:
    """The difference that the study is about: of the first line, at the end of the axis that lines run over;
    None where no panel has an interval of it."""
    candidates = [claim for claim in held.claims if claim.kind == "difference"]
    if not candidates:
        return None
    last = candidates[0].x.ordered(claim.last for claim in candidates)[-1]
    main = min((claim for claim in candidates if claim.last == last), key=lambda claim: claim.line.order)
    return main if any(outcome.verdict in _IS for outcome in held.claims[main].values()) else None


def across_sentence(
    claim: Claim, found: Mapping[Panel, Outcome], varied: Sequence[str], names: Mapping[Line, str]
) -> str:
    """“At batch size 2, GN’s error is lower than BN’s at every learning rate.”, or at which it is what."""
    ours, theirs = names[claim.line], names[claim.base]
    where, every = f"At {claim.x.at(claim.last)}", f"every {axes_words(varied)}"
    by_verdict: dict[Verdict, list[Panel]] = {}
    for panel, outcome in found.items():
        by_verdict.setdefault(outcome.verdict, []).append(panel)
    if list(by_verdict) == ["not resolved"]:
        return f"{where}, whether {ours} or {theirs} has the lower error is not resolved at {_any(varied)}."
    if list(by_verdict) == ["alike"]:
        return f"{where}, {error_of(ours)} and {whose(theirs)} are alike within the margin at {every}."
    if len(by_verdict) == 1:
        return f"{where}, {error_of(ours)} is {next(iter(by_verdict))} than {whose(theirs)} at {every}."
    order: list[Verdict] = ["lower", "higher", "alike", "not resolved", "no interval"]
    parts = [
        f"{_IS.get(verdict, 'without an interval')} at {where_words(by_verdict[verdict], varied)}"
        for verdict in order
        if verdict in by_verdict
    ]
    return f"{where}, {error_of(ours)}, set against {whose(theirs)}, is {listed(parts)}."


def _any(varied: Sequence[str]) -> str:
    return f"any {axes_words(varied)}"


def order_words(lines: Sequence[Line], names: Mapping[Line, str]) -> str:
    """“GN < BN < LN”: by mean error."""
    return " < ".join(names[line] for line in lines)
