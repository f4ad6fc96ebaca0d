"""Files of a results folder as somebody writes them who knows the format and means harm."""

import copy
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from orchestrator.results.files import Files

#: What a stranger may write where something else is expected.
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63), 10**400, 0, -1, 1e308, -1e308, 0.1, 5000.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "done", "bn", "\ud800", "\x00", "<b>", "nan", "1", "[boom]", "\x1b[31m", "x" * 300]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers()), max_size=3),
)
#: Where the history lies in a file of weights.
_NOTES = "archive/normsweep.json"


def with_body(checkpoint: bytes, body: bytes) -> bytes:
    """The bytes of a checkpoint with another body, and the checksum that belongs to that body."""
    header, _, _ = checkpoint.partition(b"\n")
    magic, _, _ = header.rpartition(b" ")
    return magic + b" " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, the value itself included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: object) -> Any:
    """The value with another in one place; `...` leaves that place out."""
    if not path:
        return new
    value = copy.deepcopy(value)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    if new is ...:
        del inside[path[-1]]
    else:
        inside[path[-1]] = new
    return value


def drawn(content: object, data: st.DataObject) -> Any:
    """The content with something else in one place, or nothing there."""
    path = data.draw(st.sampled_from(list(places(content))), "place")
    return put(content, path, data.draw(st.one_of(VALUES, st.just(...)) if path else VALUES, "value"))


def json_file(path: Path, data: st.DataObject) -> None:
    """A JSON file with something else in one place, and a checksum that holds."""
    forged = drawn(Files(str(path.parent)).read_json(path.name), data)
    try:
        if isinstance(forged, dict):
            Files(str(path.parent)).write_json(path.name, forged)
            return
    except (ValueError, OverflowError):  # what JSON cannot hold
        pass
    path.write_text(json.dumps(forged))


def notes_in(path: Path, data: st.DataObject) -> None:
    """Weights or a checkpoint whose history has something else in one place."""
    import torch

    if path.name == "weights.pt":
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        entries[_NOTES] = json.dumps(drawn(json.loads(entries[_NOTES]), data)).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return
    whole = path.read_bytes()
    content = torch.load(io.BytesIO(whole.partition(b"\n")[2]), weights_only=True)
    content["notes"] = json.dumps(drawn(json.loads(content["notes"]), data))
    buffer = io.BytesIO()
    torch.save(content, buffer)
    path.write_bytes(with_body(whole, buffer.getvalue()))


def cell_of(path: Path, data: st.DataObject) -> None:
    """A CSV with something else in one field, quoted or not."""
    lines = path.read_text().splitlines()
    line = data.draw(st.integers(0, len(lines) - 1), "line")
    fields = lines[line].split(",")
    field = data.draw(st.integers(0, len(fields) - 1), "field")
    text = data.draw(st.one_of(VALUES.map(str), st.text(max_size=9)), "text")
    fields[field] = text if data.draw(st.booleans(), "bare") else '"' + text.replace('"', '""') + '"'
    lines[line] = ",".join(fields)
    path.write_text("\n".join(lines), errors="surrogatepass")


#: How a file's bytes are spoilt.
MANNERS = ("truncated", "emptied", "a bit flipped", "rubbish", "more at its end")


def spoil(path: Path, manner: str, chance: random.Random) -> None:
    """Spoil a file's bytes in one of MANNERS."""
    content = path.read_bytes()
    where = chance.randrange(max(1, len(content)))
    match manner:
        case "truncated":
            content = content[:where]
        case "emptied":
            content = b""
        case "a bit flipped" if content:
            content = (
                content[:where] + bytes([content[where] ^ 1 << chance.randrange(8)]) + content[where + 1 :]
            )
        case "rubbish":
            content = chance.randbytes(200)
        case "more at its end":
            content += chance.randbytes(20)
    path.write_bytes(content)
