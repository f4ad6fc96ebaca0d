"""Axes of a block that go together: `zip: {lr: [0.1, 0.05], batch_size: [32, 16]}`.

Beside a product, because a rate that follows the batch size would otherwise be a block for each pair. A block
with a zip stands for one block a row, and is turned into these before anything else looks at it: what a
block means is said in one place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.grid.start import KEY as START

KEY = "zip"


@dataclass(frozen=True)
class Origin:
    """Where a block stands in the file: its number there, and the row of its zip; None without one."""

    number: int
    row: int | None = None

    def place(self, path: Sequence[Any], block: Any) -> list[Any]:
        """The path in the file of a `path` in the written out `block`, such as [lr, 0]."""
        if self.row is None or not path or _axis(path[0]) not in block[KEY]:
            return [self.number, *path]
        return [self.number, KEY, path[0], self.row]


def unzipped(blocks: Sequence[Any]) -> tuple[list[Any], list[Origin]]:
    """The blocks of a file with every zip written out, and where each came from.

    A block of a row has the names that go together in it under `zip`. Raises ValueError, which names the
    block and the key, where a zip is none.
    """
    whole: list[Any] = []
    origins: list[Origin] = []
    for number, block in enumerate(blocks):
        if not isinstance(block, Mapping) or KEY not in block:
            whole.append(block)
            origins.append(Origin(number))
            continue
        zipped = _checked(block, number)
        rest = {key: value for key, value in block.items() if key != KEY}
        for row in range(len(next(iter(zipped.values())))):
            own = {name: [values[row]] for name, values in zipped.items() if values[row] is not None}
            whole.append({**rest, **own, KEY: tuple(map(_axis, zipped))})
            origins.append(Origin(number, row))
    return whole, origins


def _axis(key: Any) -> Any:
    """The axis that a key of a block says."""
    return "start" if key == START else key


def _checked(block: Mapping[Any, Any], number: int) -> Mapping[str, Sequence[Any]]:
    zipped = block[KEY]
    if not isinstance(zipped, Mapping) or not all(isinstance(v, list) and v for v in zipped.values()):
        raise ZipError(
            number, "expected axes, each with a list of values: {lr: [0.1, 0.05], batch_size: [32, 16]}"
        )
    if len(zipped) < 2:
        raise ZipError(number, "one axis has nothing to go with; write it beside the others")
    if twice := [name for name in zipped if name in block]:
        raise ZipError(number, f"{twice[0]} is in the zip and beside it; write it once")
    lengths = {name: len(values) for name, values in zipped.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        raise ZipError(number, f"lists of one length go together; {counts}")
    return zipped


class ZipError(ValueError):
    """A zip that is none. `number`: of its block in the file."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
