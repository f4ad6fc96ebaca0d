"""The source that trains, as digests: numbers of edited code must not be mixed with those of before unawares.

What counts is what Python reads: a file's digest is one of its syntax tree, without docstrings. Comments and
formatting are not in it, and neither is what differs between versions of Python. Which files count is found
and not listed: those of `model` that a training imports, directly or by way of others.

A norm or a network that a user brings is no part of this: it belongs to its own trials, whose identity has
its `file_digest`.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What a worker imports to train; the rest follows.
ENTRIES = ("model.training.training", "model.data.registry")
_PACKAGE = "model"
_MODULE = re.compile(rf"{_PACKAGE}(\.\w+)+")
_DIGITS = 12
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
#: Of a syntax tree: whether a name is read or written, which its place says, and the u of u"".
_SAID_TWICE = {"ctx", "kind"}


@dataclass(frozen=True)
class Code:
    """`digest`: of all `files`; `files`: digest of each by its path below the project. Hexadecimal digits."""

    digest: str
    files: Mapping[str, str] = field(compare=False)


@functools.cache  # what this process has imported does not change with the files
def training_code() -> Code:
    """The code that trains in this process."""
    files = training_files(ROOT)
    return Code(digest(files), files)


def training_files(root: Path) -> dict[str, str]:
    """Digests of the files below `root` that can change a number, by path: all that `ENTRIES` import.

    Imports inside functions count, and so does a module that is named in a string, as `importlib` takes it.
    """
    found: dict[str, str] = {}
    waiting, seen = list(ENTRIES), set(ENTRIES)
    while waiting:
        module = waiting.pop()
        if (path := _file(root, module)) is None:
            continue
        source = path.read_bytes()
        tree = _tree(source)
        found[path.relative_to(root).as_posix()] = _digest_of(tree, source)
        parent = module.rpartition(".")[0]
        package = module if path.name == "__init__.py" else parent
        new = {parent, *(_imports(tree, package) if tree else ())} - seen
        seen |= new
        waiting += new
    return dict(sorted(found.items()))


def package_files(root: Path, packages: Iterable[str]) -> dict[str, str]:
    """Digests of every Python file of `packages` below `root`, by path."""
    paths = [path for package in packages for path in sorted((root / package).rglob("*.py"))]
    return {path.relative_to(root).as_posix(): file_digest(path.read_bytes()) for path in paths}


def digest(files: Mapping[str, str]) -> str:
    """One digest of all of them."""
    return _hash("".join(f"{path} {one}\n" for path, one in sorted(files.items())).encode())


def file_digest(source: bytes) -> str:
    """Of what a file says to Python; of its bytes where it is no Python."""
    return _digest_of(_tree(source), source)


def differing(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """The paths of the files that are not the same, or are in one of the two alone."""
    return sorted(path for path in {*here, *there} if here.get(path) != there.get(path))


def _tree(source: bytes) -> ast.Module | None:
    """The syntax tree without docstrings; None where the source is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return tree


def _digest_of(tree: ast.Module | None, source: bytes) -> str:
    return _hash(source if tree is None else _canonical(tree).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _canonical(value: object) -> str:
    """A syntax tree as text. What is empty is left out: newer Pythons have more of it."""
    if isinstance(value, ast.JoinedStr):  # Python 3.12 ends the format of an f-string with no text
        value = ast.JoinedStr(
            [v for v in value.values if not (isinstance(v, ast.Constant) and v.value == "")]
        )
    if isinstance(value, ast.AST):
        fields = [(k, v) for k, v in ast.iter_fields(value) if k not in _SAID_TWICE and v not in (None, [])]
        return f"{type(value).__name__}({','.join(f'{k}={_canonical(v)}' for k, v in sorted(fields))})"
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    return ascii(value)


def _file(root: Path, module: str) -> Path | None:
    """Where a module of the package lies; None for a name in a module, or one of another package."""
    if module.partition(".")[0] != _PACKAGE:
        return None
    base = root.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Every name that may be a module which a module of `package` imports, or names in a string."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                parts = package.split(".")
                above = parts[: len(parts) + 1 - node.level] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
            case ast.Constant(value=str(text)) if _MODULE.fullmatch(text):
                yield text
