"""The bytes of a JSON file of ours: a mapping with the SHA-256 of the rest, so that damage is seen."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

#: A parsed JSON mapping whose shape is not known.
JsonObject = dict[str, Any]
#: No file of ours comes near it; a stranger's file that does is not read.
MAX_JSON_BYTES = 64 * 2**20
#: The key under which a JSON file of ours carries the SHA-256 of the rest.
CHECKSUM = "sha256"
#: Half a character by its number, as JSON writes it; two of them in the right order are one.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def encode(value: Mapping[str, object]) -> bytes:
    """The mapping with its checksum. Raises ValueError where it holds NaN or infinity."""
    body = {key: item for key, item in value.items() if key != CHECKSUM}
    return json.dumps({**body, CHECKSUM: _checksum(body)}, indent=1, allow_nan=False).encode()


def _checksum(body: Mapping[str, object]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def parse(data: bytes) -> JsonObject:
    """A mapping whose checksum holds, without the checksum. Raises ValueError."""
    if len(data) > MAX_JSON_BYTES:
        raise ValueError("it is larger than any file of a sweep")
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it is no JSON mapping")
    checksum = value.pop(CHECKSUM, None)
    if _SURROGATE.search(data):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("it holds half a character, which no file or terminal can") from None
    try:
        holds = checksum == _checksum(value)
    except (ValueError, RecursionError):
        holds = False
    if not holds:
        raise ValueError("its checksum does not match")
    return value
