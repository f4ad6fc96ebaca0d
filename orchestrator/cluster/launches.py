"""Machines that were asked for and could not be had: why, in the autoscaler's words, which Ray tells nobody.

A new account at AWS may start no GPU at all, and a zone that is out of spot machines says so in a log on the
head.
"""

from collections.abc import Iterable
from typing import Protocol

import ray

from model.errors import last_line

_SECONDS = 5
#: Words of AWS for what an account may not have, and what is to be done.
_QUOTA = ("VcpuLimitExceeded", "MaxSpotInstanceCountExceeded", "InstanceLimitExceeded")
_ASK_FOR_MORE = "the account's quota is used up; docs/cluster.md has the command that raises it"


class Launch(Protocol):
    """A request as Ray's autoscaler keeps it."""

    instance_type_name: str
    ray_node_type_name: str
    details: str | None


def failed_launches() -> list[str]:
    """A line for each reason; empty where nothing failed, or this cluster has no autoscaler that says so."""
    if not ray.is_initialized():  # or asking for its address would start one
        return []
    from ray.autoscaler.v2.sdk import get_cluster_status

    try:
        status = get_cluster_status(ray.get_runtime_context().gcs_address, timeout=_SECONDS)
    except Exception:
        return []
    return in_words(status.failed_launches)


def in_words(launches: Iterable[Launch]) -> list[str]:
    """Each type of machine with each reason, once."""
    lines = []
    for launch in launches:
        why = last_line(launch.details or "", "no reason given")
        if any(word in why for word in _QUOTA):
            why = f"{why} ({_ASK_FOR_MORE})"
        kind = f" ({launch.instance_type_name})" if launch.instance_type_name else ""
        lines.append(f"no {launch.ray_node_type_name}{kind} could be started: {why}")
    return list(dict.fromkeys(lines))
