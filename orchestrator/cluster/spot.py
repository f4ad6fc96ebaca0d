"""Whether this machine is about to be taken away, as EC2 tells a spot instance two minutes before.

Asked of the instance metadata service, version 2, where botocore would ask it:
AWS_EC2_METADATA_SERVICE_ENDPOINT names another place, AWS_EC2_METADATA_DISABLED=true none. A machine without
such a service is asked once. The notices of other clouds are not read: there a lost machine costs its packs
the epoch.
"""

import functools
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime

_ENDPOINT = "http://169.254.169.254"
_ANSWER_SECONDS = 1.0  # it is on the machine's own link
_TOKEN_SECONDS = 21600
_MOST_BYTES = 4096
_NONE_YET = 404
_TOKEN_IS_OLD = 401


@dataclass(frozen=True)
class Notice:
    """`action`: terminate, stop or hibernate. `at`: when, in Unix seconds."""

    action: str
    at: float

    @property
    def seconds_left(self) -> float:
        return self.at - time.time()

    def __str__(self) -> str:
        return f"it will {self.action} at {datetime.fromtimestamp(self.at, UTC):%H:%M:%S} UTC (a spot notice)"


class MetadataService:
    """At `endpoint`. Raises OSError where nobody answers, or otherwise than the service does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        # Not through a proxy, which would answer for its own machine
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._token = self._new_token()

    def notice(self) -> Notice | None:
        """What is to become of this machine; None where nothing is. Raises ValueError of an answer that says
        neither."""
        try:
            said = json.loads(self._instance_action())
            at = datetime.fromisoformat(said["time"])
            return Notice(str(said["action"])[:20], at.replace(tzinfo=at.tzinfo or UTC).timestamp())
        except urllib.error.HTTPError as error:
            if error.code == _NONE_YET:
                return None
            raise
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an instance action: {error}") from None

    def _instance_action(self) -> bytes:
        try:
            return self._get()
        except urllib.error.HTTPError as error:
            if error.code != _TOKEN_IS_OLD:
                raise
        self._token = self._new_token()
        return self._get()

    def _get(self) -> bytes:
        return self._asked("GET", "meta-data/spot/instance-action", {"X-aws-ec2-metadata-token": self._token})

    def _new_token(self) -> str:
        header = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        return self._asked("PUT", "api/token", header).decode("ascii", "replace")

    def _asked(self, method: str, what: str, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(f"{self._endpoint}/latest/{what}", method=method, headers=headers)
        with self._opener.open(request, timeout=_ANSWER_SECONDS) as answer:
            said: bytes = answer.read(_MOST_BYTES)
            return said


@functools.cache
def metadata_service() -> MetadataService | None:
    """That of this machine; None where there is none."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    try:
        return MetadataService(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ENDPOINT)
    except (OSError, ValueError):  # of an endpoint that is no URL, too
        return None
