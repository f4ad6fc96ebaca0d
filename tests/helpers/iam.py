"""What an IAM policy allows, by the rules of AWS's manual ("Policy evaluation logic"), as far as ours go.

moto reads no conditions. Only Allow statements, StringEquals and patterns with `*`; whatever else a policy has
is an error here and no silence.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

_KNOWN = {"Effect", "Action", "Resource", "NotResource", "Condition"}


def allows(policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether a request is allowed. `context`: the values of its condition keys."""
    return any(_says(statement, action, resource, context) for statement in policy["Statement"])


def _says(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    assert set(statement) <= _KNOWN, f"not understood here: {set(statement) - _KNOWN}"
    assert statement["Effect"] == "Allow"
    conditions = statement.get("Condition", {})
    assert set(conditions) <= {"StringEquals"}
    if not _matches(statement["Action"], action):
        return False
    if "NotResource" in statement:
        within = not _matches(statement["NotResource"], resource)
    else:
        within = _matches(statement["Resource"], resource)
    wanted = conditions.get("StringEquals", {})
    return within and all(context.get(key) == value for key, value in wanted.items())


def _matches(patterns: str | list[str], name: str) -> bool:
    given = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(name, pattern) for pattern in given)
