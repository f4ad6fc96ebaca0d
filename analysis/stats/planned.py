"""Which claims of a page were planned before the first result, and which were looked for afterwards. Pure."""

from collections.abc import Sequence

from analysis.stats.bases import pairs_of
from analysis.stats.cells import Cell
from analysis.stats.choices import Choices, choices_of
from analysis.stats.outcomes import Claim
from model.errors import InputError
from orchestrator.results.records import AnalysisPlan, PlanVersion


def before_results(plans: Sequence[PlanVersion]) -> AnalysisPlan | None:
    """The last that was written down before any trial had a result; None where none was."""
    early = [version["plan"] for version in plans if version["results"] == 0]
    return early[-1] if early else None


def planned(claim: Claim, plans: Sequence[PlanVersion], cells: Sequence[Cell], choices: Choices) -> bool:
    """Whether a claim of a panel of these `cells` was planned, and is made as it was: by the same measure,
    with the same base, and by the same margin where that has a say."""
    if (plan := before_results(plans)) is None or choices.measure != plan["measure"]:
        return False
    then = choices_of(plan)
    if claim.kind not in plan.get("claims", ["difference"]) or (then.x and then.x != claim.x.name):
        return False
    same = (then.margin.value, then.margin.relative) == (choices.margin.value, choices.margin.relative)
    if claim.kind == "constancy":
        return same
    if plan["stopping"] is not None and not same:  # until alike, by that margin
        return False
    at = plan.get("at")
    if claim.kind == "difference" and at is not None and claim.last not in at:
        return False
    return (claim.line, claim.base) in _pairs(cells, then.base)


def _pairs(cells: Sequence[Cell], base: str) -> list[tuple[object, object]]:
    try:
        return [*pairs_of(list(dict.fromkeys(cell.line for cell in cells)), base)]
    except InputError:  # results that came since have several lines that it fits
        return []
