"""What a cloud says to a machine that it will take away, and who can be asked for it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True)
class Notice:
    """`action`: what the machine will do: terminate, stop, hibernate, be evicted. `at`: when, in Unix
    seconds."""

    action: str
    at: float

    @property
    def seconds_left(self) -> float:
        return self.at - time.time()

    def __str__(self) -> str:
        return f"it will {self.action} at {datetime.fromtimestamp(self.at, UTC):%H:%M:%S} UTC (a spot notice)"


class MetadataService(Protocol):
    """A cloud's service on a machine of its own."""

    def notice(self) -> Notice | None:
        """What is to become of this machine; None where nothing is. Raises OSError where nobody answers, and
        ValueError of an answer that says neither."""
