"""Azure's notice, half a minute before at least, by the scheduled events of its metadata service.

Events are told to every machine of a scale set, so each asks for its own name first. The service begins with
the first question, and may take two minutes for that: who gets no answer asks again.
"""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

from orchestrator.cluster.spot.link import ENDPOINT, asked
from orchestrator.cluster.spot.notice import Notice

_HEADER = {"Metadata": "true"}
_NAME = "metadata/instance/compute/name?api-version=2021-02-01&format=text"
_EVENTS = "metadata/scheduledevents?api-version=2020-07-01"
#: Events after which the machine is gone, and what it does then.
_ENDS = {"Preempt": "be evicted", "Terminate": "be deleted"}


class Azure:
    """The service at `endpoint`. Raises OSError where nobody answers, ValueError where another does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._name = asked(f"{self._endpoint}/{_NAME}", _HEADER)[0].decode("utf-8").strip()
        if not self._name or len(self._name.split()) > 1:
            raise ValueError(f"not the name of a machine: {self._name[:40]!r}")

    def notice(self) -> Notice | None:
        """See `MetadataService`."""
        try:
            said = json.loads(asked(f"{self._endpoint}/{_EVENTS}", _HEADER)[0])
            found = [self._of(event) for event in said["Events"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no scheduled events: {error!r}") from None
        return min(filter(None, found), key=lambda notice: notice.at, default=None)

    def _of(self, event: dict[str, Any]) -> Notice | None:
        """What an event says to this machine."""
        if event["EventType"] not in _ENDS or self._name not in event["Resources"]:
            return None
        at = event.get("NotBefore")  # empty once it has begun
        return Notice(_ENDS[event["EventType"]], parsedate_to_datetime(at).timestamp() if at else time.time())


def here() -> Azure:
    """This machine's. Raises as `Azure`."""
    return Azure(ENDPOINT)
