"""How a sweep is to be analysed, as sweep.json has it: written before the first trial, and never replaced.

A plan that is changed later stands behind the one before it, with the time and the number of results that
there were by then, so that a reader sees both.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from orchestrator.results.records import AnalysisPlan, PlanVersion

KEY = "analysis"


class _Versions(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True)  # type: ignore[misc]

    versions: list[PlanVersion]


@cache
def _adapter() -> TypeAdapter[_Versions]:
    return TypeAdapter(_Versions)


def versions_of(sweep: Mapping[str, Any]) -> list[PlanVersion]:
    """Every version of the plan in the parsed sweep.json, the last one last; none where it is forged."""
    try:
        return _adapter().validate_python({"versions": sweep.get(KEY, [])})["versions"]
    except ValidationError:
        return []


def sequential(versions: Sequence[PlanVersion]) -> bool:
    """Whether a rule ever added seeds as results came in: what holds of the sweep holds only if it holds
    whenever one stops."""
    return any(version["plan"]["stopping"] is not None for version in versions)


def with_plan(versions: Sequence[PlanVersion], plan: AnalysisPlan, results: int) -> list[PlanVersion]:
    """`versions`, and behind them `plan` where it is another than the last. `results`: trials with one."""
    digest = digest_of(plan)
    if versions and versions[-1]["sha256"] == digest:
        return list(versions)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return [*versions, {"written": now, "results": results, "sha256": digest, "plan": plan}]


def digest_of(plan: AnalysisPlan) -> str:
    """SHA-256 of its JSON with keys in order and without spaces."""
    canonical = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
