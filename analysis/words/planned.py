"""What was planned of the analysis, and when."""

from collections.abc import Sequence

from analysis.words.choices import MEASURE_WORDS
from analysis.words.numbers import listed
from analysis.words.stopping import rule_words
from orchestrator.results.records import AnalysisPlan, PlanVersion

PLANNED = {True: "planned", False: "post hoc"}
_CLAIMS = {
    "difference": "differences",
    "change": "their change over the axis",
    "constancy": "whether an error is constant",
}


def plan_words(plan: AnalysisPlan) -> str:
    """One plan in a sentence."""
    claims = [_CLAIMS[kind] for kind in plan.get("claims", ["difference"])]
    at = plan.get("at")
    where = f", differences at {listed([str(value) for value in at])}" if at else ""
    over = f" over {plan['x']}" if plan["x"] else ""
    margin = plan["margin"] if plan["margin"].endswith("%") else f"{plan['margin']} points"
    stopping = plan["stopping"]
    seeds = f"; seeds added {rule_words(stopping, plan['margin'])}" if stopping else "; the grid’s seeds"
    base = plan["base"] or "the reference"
    what = f"{listed(claims)} from {base}{over}{where}"
    return f"{MEASURE_WORDS[plan['measure']]}; {what}; margin ±{margin}; Holm’s correction{seeds}"


def plan_sentence(plans: Sequence[PlanVersion]) -> str:
    """Whether there was a plan before the first result, and whether it was changed."""
    early = [version for version in plans if version["results"] == 0]
    late = len(plans) - len(early)
    if not early:
        return "No plan was written down before the first result, so every claim here is post hoc."
    text = (
        "Claims are planned if they were written down before any trial had a result; the rest are post hoc."
    )
    if late:
        times = "once" if late == 1 else f"{late} times"
        text += f" The plan was changed {times} since, and what changed counts as post hoc."
    return text
