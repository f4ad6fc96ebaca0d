"""EC2's notice, two minutes before, by its instance metadata service, version 2.

Asked where botocore would ask it: AWS_EC2_METADATA_SERVICE_ENDPOINT names another place,
AWS_EC2_METADATA_DISABLED=true none.
"""

import json
import os
import urllib.error
from datetime import UTC, datetime

from orchestrator.cluster.spot.link import ENDPOINT, asked
from orchestrator.cluster.spot.notice import Notice

_TOKEN_SECONDS = 21600
_NONE_YET = 404
_TOKEN_IS_OLD = 401


class Amazon:
    """The service at `endpoint`. Raises OSError where nobody answers, or otherwise than the service does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._token = self._new_token()

    def notice(self) -> Notice | None:
        """See `MetadataService`."""
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
        url = f"{self._endpoint}/latest/meta-data/spot/instance-action"
        return asked(url, {"X-aws-ec2-metadata-token": self._token})[0]

    def _new_token(self) -> str:
        header = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        return asked(f"{self._endpoint}/latest/api/token", header, "PUT")[0].decode("ascii", "replace")


def here() -> Amazon | None:
    """This machine's. Raises as `Amazon`, and ValueError of an endpoint that is no URL."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    return Amazon(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or ENDPOINT)
