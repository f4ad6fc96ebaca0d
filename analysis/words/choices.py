"""Choices and what claims come to under them, in words."""

import math
from collections.abc import Mapping, Sequence

from analysis.stats.choices import Choices, Margin
from analysis.stats.line import Line
from analysis.stats.outcomes import Claim, Outcome
from analysis.words.names import error_of, sentence_case
from analysis.words.numbers import listed, signed

#: Measure -> what is read off the epochs of a trial.
MEASURE_WORDS = {"last": "error at the last epoch", "median5": "median error of the last five epochs"}


def choice_words(choices: Choices, reported: Choices) -> str:
    """What `choices` do otherwise than `reported`, for the head of a column."""
    if choices.measure != reported.measure:
        return sentence_case(MEASURE_WORDS[choices.measure])
    if choices.paired != reported.paired:
        return "Runs paired by seed" if choices.paired else "Independent runs, by Welch’s test"
    return f"Margin {_margin(choices.margin)}"


def _margin(margin: Margin) -> str:
    if margin.relative:
        return f"±{margin.value:g}%"
    return f"±{margin.value:g} point{'' if margin.value == 1 else 's'}"


def claim_words(claim: Claim, names: Mapping[Line, str]) -> str:
    """“GN − BN at batch size 2”, “GN − BN, change from 32 to 2”, “GN’s error constant from 32 to 2”."""
    ours, theirs = names[claim.line], names[claim.base]
    if claim.kind == "difference":
        return f"{ours} − {theirs} at {claim.x.at(claim.last)}"
    if claim.kind == "change":
        return f"{ours} − {theirs}, change from {claim.x.span(claim.first, claim.last)}"
    return f"{error_of(ours)} constant from {claim.x.span(claim.first, claim.last)}"


def outcome_words(claim: Claim, outcome: Outcome, names: Mapping[Line, str]) -> str:
    """“lower error (−5.62)”, “BN grows more (−6.01)”, “not resolved (+0.12)”, “constant (±0.20)”."""
    if not math.isfinite(outcome.value):
        return outcome.verdict
    if claim.kind == "constancy":
        return f"{outcome.verdict} (±{math.ceil(100 * outcome.value) / 100:.2f})"
    words: str = outcome.verdict
    if outcome.verdict in ("lower", "higher"):
        more = names[claim.base if outcome.verdict == "lower" else claim.line]
        words = f"{more} grows more" if claim.kind == "change" else f"{outcome.verdict} error"
    return f"{words} ({signed(outcome.value, 2)})"


def dependence_sentence(
    reported: Mapping[Claim, Outcome],
    others: Mapping[str, Mapping[Claim, Outcome]],
    names: Mapping[Line, str],
) -> str:
    """Whether any claim depends on a choice, and on which. `others`: the choice in words -> its outcomes."""
    moved = {claim: _movers(claim, reported, others) for claim in reported}
    moved = {claim: by for claim, by in moved.items() if by}
    count = f"{len(reported)} question{'' if len(reported) == 1 else 's'}"
    if not moved and len(reported) == 1:
        return "No: the one question has the same answer under every choice."
    if not moved:
        return f"No: all {count} have the same answer under every choice."
    same = len(reported) - len(moved)
    exception = "The exception" if len(moved) == 1 else "The exceptions"
    parts = [f"{claim_words(claim, names)}, under {listed(by)}" for claim, by in moved.items()]
    have = "has" if same == 1 else "have"
    return f"{same} of {count} {have} the same answer under every choice. {exception}: {'; '.join(parts)}."


def _movers(
    claim: Claim, reported: Mapping[Claim, Outcome], others: Mapping[str, Mapping[Claim, Outcome]]
) -> Sequence[str]:
    """The choices under which a claim comes out otherwise."""
    return [
        f"“{name}”"
        for name, found in others.items()
        if claim in found and found[claim].verdict != reported[claim].verdict
    ]
