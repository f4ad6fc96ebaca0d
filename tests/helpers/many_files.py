"""Files that are read at once, wherever they lie, and which of a folder are read at all."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.results.files import Files


def check_read_at_once(place: str) -> None:
    """An empty file is damaged, a large one is read whole, an absent one is left out. At S3 an empty object
    has no first bytes, which is no storage that fails."""
    files = Files(place, patience=5)
    files.write("empty.json", b"")
    files.write_json("large.json", {"rest": "x" * 3 * 2**20})
    files.write_json("small.json", {"rest": "x"})
    found = files.read_jsons(["empty.json", "large.json", "absent.json", "small.json"])
    assert list(found) == ["empty.json", "large.json", "small.json"]
    assert isinstance(found["empty.json"], ValueError)
    whole = [len(file["rest"]) for file in found.values() if isinstance(file, dict)]
    assert whole == [3 * 2**20, 1]


_LISTENING: list[tuple[str, list[str]]] = []


def _heard(event: str, details: tuple[object, ...]) -> None:
    if event == "open" and isinstance(details[0], str):
        for root, names in _LISTENING:
            if details[0].startswith(f"{root}/"):
                names.append(details[0].removeprefix(f"{root}/"))


sys.addaudithook(_heard)  # of the interpreter, whichever way a file is opened; it stays for good


@contextmanager
def reads(root: str) -> Iterator[list[str]]:
    """The files below `root` that this process opens while the block runs, by their names there."""
    one: tuple[str, list[str]] = (root, [])
    _LISTENING.append(one)
    try:
        yield one[1]
    finally:
        _LISTENING.remove(one)
