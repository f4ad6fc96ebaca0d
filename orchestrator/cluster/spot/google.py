"""Compute Engine's notice, half a minute before at most, by its metadata server.

It says that a machine is preempted, and not until when: the half minute is counted from when it is first
heard. Asked where google-auth would ask it: GCE_METADATA_HOST names another host, NO_GCE_CHECK=true none.
"""

import os
import time

from orchestrator.cluster.spot.link import ENDPOINT, asked
from orchestrator.cluster.spot.notice import Notice

_FLAVOR = {"Metadata-Flavor": "Google"}  # in the question, and in an answer that is Google's
_SECONDS = 30.0


class Google:
    """The server at `endpoint`. Raises OSError where nobody answers, ValueError where another does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._preempted()

    def notice(self) -> Notice | None:
        """See `MetadataService`."""
        return Notice("stop", time.time() + _SECONDS) if self._preempted() else None

    def _preempted(self) -> bool:
        body, headers = asked(f"{self._endpoint}/computeMetadata/v1/instance/preempted", _FLAVOR)
        said = body.strip()
        if any(headers.get(name) != value for name, value in _FLAVOR.items()) or said not in _WORDS:
            raise ValueError(f"not Google's metadata server: {said[:40]!r}")
        return _WORDS[said]


_WORDS = {b"TRUE": True, b"FALSE": False}


def here() -> Google | None:
    """This machine's. Raises as `Google`."""
    if os.environ.get("NO_GCE_CHECK", "").lower() == "true":
        return None
    host = os.environ.get("GCE_METADATA_HOST")
    return Google(f"http://{host}" if host else ENDPOINT)
