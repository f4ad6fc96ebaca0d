"""What was timed on a GPU, kept in the cache folder: numbers by name, for each GPU, torch and thing that was
timed by this code."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from orchestrator.planning import cache_file
from orchestrator.results.provenance import version
from orchestrator.results.source import training_code

#: By which a timing is found again: GPU, torch, and a digest of what was timed, and by which code.
Key = tuple[str, str, str]
Name = TypeVar("Name")


def key(device: str, lines: Iterable[str]) -> Key:
    """Of what these lines say, on the GPU of that name."""
    digest = hashlib.sha256("\n".join([training_code().digest, *lines]).encode()).hexdigest()
    return device, version("torch") or "", digest[:16]


class GpuTimings(Generic[Name]):
    """The file `name`, of the `most` latest. `what`, `numbers`: its words for what was timed, and for what
    was found; `of`: those numbers as a file says them, empty where they cannot be."""

    def __init__(
        self, name: str, what: str, numbers: str, most: int, of: Callable[[object], Mapping[Name, float]]
    ) -> None:
        self._name, self._numbers, self._most, self._of = name, numbers, most, of
        self._facts = ("device", "torch", what)

    def read(self) -> dict[Key, Mapping[Name, float]]:
        """The latest last; what is no such thing, in a file that anybody can edit, is left out."""
        said = cache_file.read(self._name)
        found: dict[Key, Mapping[Name, float]] = {}
        for entry in (said if isinstance(said, list) else [])[-self._most :]:
            if isinstance(entry, dict) and (numbers := self._of(entry.get(self._numbers))):
                device, torch, what = (entry.get(fact) for fact in self._facts)
                if isinstance(device, str) and isinstance(torch, str) and isinstance(what, str):
                    found[device, torch, what] = numbers
        return found

    def keep(self, timed: Mapping[Key, Mapping[Name, float]]) -> None:
        """Add these."""
        everything = {one: numbers for one, numbers in self.read().items() if one not in timed} | {**timed}
        entries = [
            {
                **dict(zip(self._facts, one, strict=True)),
                self._numbers: {str(by): number for by, number in numbers.items()},
            }
            for one, numbers in [*everything.items()][-self._most :]
        ]
        cache_file.write(self._name, entries)
