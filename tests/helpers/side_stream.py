"""Streams of a GPU that is not there: they write down what waits for what, and know which one is current."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stream:
    device = torch.device("cuda")

    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def wait_stream(self, other: "Stream") -> None:
        self.said.append(f"{self.name} waits for {other.name}")


class Streams:
    """`main`, which is current at first, and `side`; `said` by both."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.main, self.side = Stream("main", self.said), Stream("side", self.said)
        self._entered = [self.main]

    def current(self, device: object = None) -> Stream:
        return self._entered[-1]

    @contextmanager
    def entered(self, stream: Stream) -> Iterator[None]:
        self._entered.append(stream)
        try:
            yield
        finally:
            self._entered.pop()

    def note(self, what: str) -> None:
        self.said.append(f"{what} on {self.current().name}")

    def put_in(self) -> None:
        """In torch's place, for the rest of this process."""
        torch.cuda.current_stream = self.current  # type: ignore[assignment]
        torch.cuda.stream = self.entered  # type: ignore[assignment]
