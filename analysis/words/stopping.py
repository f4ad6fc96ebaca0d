"""By which rule seeds were added to a sweep, and what that means for what its page says."""

from collections.abc import Sequence
from datetime import datetime

from analysis.words.numbers import listed
from analysis.words.pairing import ANYTIME
from orchestrator.results.records import PlanVersion, StoppingRule


def rule_words(rule: StoppingRule, margin: str) -> str:
    """“until every comparison is decided (there is a difference, or less than 1 point), with 3 to 20 seeds a
    cell and within 5 hours of training”. `margin`: as the plan has it."""
    until = []
    if rule["until_ci"] is not None:
        until.append(f"every comparison’s interval is ±{_points(rule['until_ci'])} or narrower")
    if rule["until_decided"]:
        least = _points(float(margin.removesuffix("%")))
        until.append(f"every comparison is decided (there is a difference, or less than {least})")
    words = f"until {listed(until)}, with {rule['first_seeds']} to {rule['max_seeds']} seeds a cell"
    if rule["max_hours"] is not None:
        hours = rule["max_hours"]
        words += f" and within {hours:g} hour{'' if hours == 1 else 's'} of training"
    return words


def _points(value: float) -> str:
    return f"{value:g} point{'' if value == 1 else 's'}"


def stopping_sentences(plans: Sequence[PlanVersion]) -> str:
    """That a rule adds seeds, since when, and what follows; empty where none ever did."""
    added = added_sentences(plans, "Seeds are added as results come in")
    return f"{added} So {ANYTIME}." if added else ""


def added_sentences(plans: Sequence[PlanVersion], seeds: str) -> str:
    """By which rule, and since when. `seeds`: that they are or were added, the beginning of the sentence."""
    ruled = [plan for plan in plans if plan["plan"]["stopping"] is not None]
    if not ruled:
        return ""
    first, *later = ruled
    text = f"{seeds}, {_rule(first)}; written down {_when(first)}."
    text += "".join(f" Changed {_when(plan)}: {_rule(plan)}." for plan in later)
    if plans[-1]["plan"]["stopping"] is None:
        text += f" Given up {_when(plans[-1])}."
    return text


def _rule(version: PlanVersion) -> str:
    rule = version["plan"]["stopping"]
    assert rule is not None
    return rule_words(rule, version["plan"]["margin"])


def _when(version: PlanVersion) -> str:
    """“on 27 November 2026, 09:00 UTC, before any trial had a result”."""
    results = version["results"]
    known = f"when {results:,} trial{'' if results == 1 else 's'} had one already" if results else ""
    return f"on {_moment(version['written'])}, {known or 'before any trial had a result'}"


def _moment(written: str) -> str:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:  # forged
        return "a day that is not known"
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
