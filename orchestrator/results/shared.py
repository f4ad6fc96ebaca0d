"""Equal parts of what many files of a sweep say, kept once in memory: names of fields, packs, machines."""

import sys
from collections.abc import Mapping
from typing import Any

#: What no two trials have in common.
_OWN = {"trial_id", "started", "finished"}


class Shared:
    """For as long as one reading takes. What it gives is not to be changed in place."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def once(self, parsed: Mapping[str, Any]) -> dict[str, Any]:
        """The same mapping, of parts that were seen before where they are equal."""
        return {sys.intern(key): value if key in _OWN else self._one(value) for key, value in parsed.items()}

    def _one(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._kept.setdefault(value, value)
        if isinstance(value, dict | list):
            return self._kept.setdefault(repr(value), value)
        return value
