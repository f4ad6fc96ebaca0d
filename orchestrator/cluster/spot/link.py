"""How a machine asks its cloud's metadata service: at one address on its own link, and by nobody else."""

import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage

#: Where all three clouds have it.
ENDPOINT = "http://169.254.169.254"
_ANSWER_SECONDS = 1.0
_MOST_BYTES = 65_536


def asked(url: str, headers: Mapping[str, str], method: str = "GET") -> tuple[bytes, HTTPMessage]:
    """The body and the headers of the answer. Raises OSError, HTTPError among them, and ValueError of an
    address that is none."""
    # Not through a proxy, which would answer for its own machine
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, method=method, headers=dict(headers))
    try:
        with opener.open(request, timeout=_ANSWER_SECONDS) as answer:
            body: bytes = answer.read(_MOST_BYTES)
            return body, answer.headers
    except HTTPException as error:  # whoever answers there speaks no HTTP
        raise OSError(f"{type(error).__name__}: {error}") from None
