"""A grid from YAML: those that ship and a user's own, with every mistake told in a line.

A mistake in a grid is told by file, line and key, with what is allowed: a grid is written by hand, and
a validation's own report is for programmers.
"""

import difflib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from model.errors import InputError
from model.plain_file import read_text
from orchestrator.grid.analysis import Analysis, Stopping
from orchestrator.grid.blocks import Block, Grid
from orchestrator.grid.start import KEY as START
from orchestrator.grid.zipped import KEY as ZIP
from orchestrator.grid.zipped import Origin, ZipError, unzipped

#: In a grid file, aliases expanded.
_MOST_VALUES = 100_000


def shipped() -> dict[str, Grid]:
    """The grids that come with the product, by name."""
    folder, names = _shipped_files()
    return {name: parse(name, (folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in names}


def shipped_names() -> list[str]:
    """Theirs, unread."""
    return _shipped_files()[1]


def _shipped_files() -> tuple[Any, list[str]]:
    """The folder of the shipped grids, and their names."""
    folder = resources.files("orchestrator.grid") / "shipped"
    return folder, sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def find(name: str) -> Grid:
    """The shipped grid of that name, or the grid in that YAML file. Raises InputError."""
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        try:
            return parse(path.stem, read_text(str(path)), source=str(path))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise InputError(f"cannot read the grid file {path}: {reason}") from None
    folder, names = _shipped_files()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(
            f"no grid is called {name!r}. {hint}Shipped: {', '.join(names)}; or give a file ending in .yaml."
        )
    return parse(name, (folder / f"{name}.yaml").read_text(encoding="utf-8"))


def parse(name: str, text: str, source: str | None = None) -> Grid:
    """A grid from YAML text. Raises InputError that names the line, the key and what is allowed."""
    source = source or f"{name}.yaml"
    node, document = _read(text, source)
    if not isinstance(document, dict):
        raise InputError(f"{source}: expected a mapping with the key `blocks`, see --list-grids for examples")
    return _grid({"name": name, **{str(key): value for key, value in document.items()}}, source, node)


def said_in_python(name: str, blocks: object, more: Mapping[str, object]) -> Grid:
    """A grid of Python's own values. `blocks`: a list of mappings, or YAML text of one; `more`: the other
    keys of a grid, of which those that are empty count as not said. Raises InputError."""
    node = None
    if isinstance(blocks, str):
        within, blocks = _read(dedent(blocks), name)
        key = yaml.ScalarNode("", "blocks", within and within.start_mark)
        node = yaml.MappingNode("", [(key, within)])  # where it would stand in a file
    said = {key: value for key, value in more.items() if value}
    return _grid({"name": name, "blocks": _plain(blocks), **_plain(said)}, name, node)


def _read(text: str, source: str) -> tuple[Any, Any]:
    """The nodes of YAML text, which know their lines, and what it says."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _refuse_bomb(node)
        document = None if node is None else loader.construct_document(node)
    except (ValueError, RecursionError) as error:
        what = " ".join(str(error).split())[:120]
        raise InputError(f"{source}: the YAML does not parse: {what}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise InputError(f"{source}{where}: the YAML does not parse: {problem}") from None
    if repeated := _repeated_key(node):
        raise InputError(f"{source} line {repeated[1]}: the key {repeated[0]!r} is given twice")
    return node, document


def _plain(value: Any) -> Any:
    """As YAML would give it: no tuples, ranges or numbers of NumPy's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | range | set):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def _grid(document: dict[str, Any], source: str, node: Any) -> Grid:
    """The grid of a `document`. `node`: where its parts stand in the file `source`, None without one."""
    for key in ("name", "description"):
        if not _is_text(document.get(key, "")):
            raise InputError(f"{source}: {key}: it is not UTF-8 text")
    blocks = document.get("blocks")
    origins: list[Origin] = []
    try:
        if isinstance(blocks, list):
            document["blocks"], origins = unzipped(blocks)
        return Grid(**document)
    except ZipError as error:
        where = _where(source, _line(node, ["blocks", error.number, ZIP]))
        raise InputError(f"{where}: blocks[{error.number}].{ZIP}: {error}") from None
    except ValidationError as error:
        raise InputError(_explain(source, node, error, origins, document.get("blocks", ()))) from None


def _refuse_bomb(root: Any) -> None:
    """Raises ValueError where an alias holds itself, or a few lines of aliases stand for a great many."""
    sizes: dict[int, int] = {}

    def size(node: Any, above: frozenset[int]) -> int:
        if id(node) in above:
            raise ValueError("an alias holds itself")
        if id(node) not in sizes:
            within = above | {id(node)}
            children = [part for pair in node.value for part in pair] if _is_mapping(node) else node.value
            kept = () if isinstance(node, yaml.ScalarNode) else children
            sizes[id(node)] = 1 + sum(size(child, within) for child in kept)
        return sizes[id(node)]

    if root is not None and size(root, frozenset()) > _MOST_VALUES:
        raise ValueError(f"its aliases stand for more than {_MOST_VALUES:,} values")


def _is_mapping(node: Any) -> bool:
    return isinstance(node, yaml.MappingNode)


def _is_text(value: object) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _explain(
    source: str, node: Any, error: ValidationError, origins: Sequence[Origin], blocks: Sequence[Any]
) -> str:
    """The first problem of a validation, in one line: where, what, what is allowed."""
    problems = error.errors(include_url=False)
    # A misspelt key is also a missing one; the misspelling is the cause.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    path = [part for part in problem["loc"] if not (isinstance(part, str) and "[" in part)]
    message = problem["msg"].removeprefix("Value error, ")
    key, _, rest = message.partition(": ")
    path = [START if part == "start" else part for part in path]
    if rest and key in {
        *_model(path).model_fields,
        START,
    }:  # our own checks name their key first
        path, message = [*path, key], rest
    if problem["type"] == "extra_forbidden":
        fields = _model(path).model_fields
        known = [START if name == "start" else name for name in fields]
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        message = "unknown key" + (f", did you mean {near[0]}?" if near else f"; allowed: {', '.join(known)}")
    elif path == ["blocks"] and problem["type"] not in {"missing", "too_short"}:
        message = "expected a list of blocks, each a mapping"
    elif problem["type"] == "missing":
        message = "is missing"
    elif problem["type"] == "too_short":
        message = "is an empty list; give at least one value"
    elif problem["type"] not in {"value_error", "assertion_error"}:
        message = f"{message[0].lower()}{message[1:]}, got {_short(problem['input'])}"
    if path[:1] == ["blocks"] and len(path) > 1 and isinstance(path[1], int) and origins:
        path = ["blocks", *origins[path[1]].place(path[2:], blocks[path[1]])]
    if path and path[-1] == 0 and problem["type"] != "missing" and not _is_list(node, path[:-1]):
        path = path[:-1]  # a scalar in the file, a list of one to us alone
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{_where(source, _line(node, path))}: {key}: {message}"


def _where(source: str, line: int | None) -> str:
    return source if line is None else f"{source} line {line}"


def _model(path: Sequence[Any]) -> type[BaseModel]:
    """Whose keys stand at a path of the document."""
    if "blocks" in path:
        return Block
    if "stopping" in path:
        return Stopping
    return Analysis if "analysis" in path else Grid


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _line(node: Any, path: list[Any]) -> int | None:
    """The line of a path in a composed YAML document, or of the nearest thing above it."""
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _repeated_key(node: Any) -> tuple[str, int] | None:
    """A key that a mapping has twice, with its line: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                return str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))
        children = [value for _, value in node.value]
    else:
        children = list(node.value) if isinstance(node, yaml.SequenceNode) else []
    return next((found for child in children if (found := _repeated_key(child))), None)


def _is_list(node: Any, path: list[Any]) -> bool:
    for part in path:
        if isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
    return isinstance(node, yaml.SequenceNode)
