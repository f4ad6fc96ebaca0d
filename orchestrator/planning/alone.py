"""Cells of a user's own code: looked at before anything trains, and trained one seed at a time if they must.

What cannot train at all is told here, on the driver, and not by every worker after it has begun.
"""

from collections.abc import Iterable

from model.own import is_own, short_name
from model.spec import Spec


def trained_alone(specs: Iterable[Spec]) -> dict[Spec, str]:
    """Those whose seeds cannot train as one network, and why. Raises InputError where one cannot train."""
    why = {spec: _why_alone(spec) for spec in specs if is_own(spec.norm)}
    return {spec: reason for spec, reason in why.items() if reason}


def warnings(alone: dict[Spec, str]) -> list[str]:
    """A line for each norm that is trained so."""
    said = {
        f"norm {short_name(spec.norm)} trains one seed at a time: {why}": None for spec, why in alone.items()
    }
    return list(said)


def _why_alone(spec: Spec) -> str | None:
    from model.net.norms.examine import why_norm_alone

    return why_norm_alone(spec.norm, spec.groups)
