"""Sweeps to which a rule added seeds as results came in."""

from dataclasses import replace
from typing import Any, cast

from analysis.sources.load import Sweep
from orchestrator.results.analysis_plan import with_plan
from orchestrator.results.records import AnalysisPlan, StoppingRule


def rule(**changes: Any) -> StoppingRule:
    """Until decided, of 3 to 20 seeds, unless `changes` say otherwise."""
    usual: StoppingRule = {
        "until_ci": None,
        "until_decided": True,
        "first_seeds": 3,
        "step": 3,
        "max_seeds": 20,
        "max_hours": None,
    }
    return cast(StoppingRule, {**usual, **changes})


def plan(margin: str = "1", *, stopping: StoppingRule | None) -> AnalysisPlan:
    return {
        "measure": "last",
        "margin": margin,
        "base": "",
        "x": "",
        "correction": "holm",
        "stopping": stopping,
    }


def added(sweep: Sweep, *, results: int = 0, margin: str = "1", **changes: Any) -> Sweep:
    """`sweep`, as if its seeds had come by a rule that was written down when it had so many `results`."""
    (version,) = with_plan([], plan(margin, stopping=rule(**changes)), results)
    version = {**version, "written": "2026-11-27T08:00:00+00:00"}
    return replace(sweep, frame=sweep.frame.assign(sequential=True), plans=(version,))
