"""Python source as digests: what it says to Python, whoever wrote it and however it is laid out.

A file's digest is one of its syntax tree, without docstrings. Comments and formatting are not in it, and
neither is what differs between versions of Python.
"""

import ast
import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

_MODULE = re.compile(r"\w+(\.\w+)*")
_DIGITS = 12
_parsing = threading.Lock()
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
#: Of a syntax tree: whether a name is read or written, which its place says, and the u of u"".
_SAID_TWICE = {"ctx", "kind"}


def imported_files(root: Path, entries: Iterable[str], wanted: Callable[[str], bool]) -> dict[str, str]:
    """Digests of the files below `root` that the modules `entries` are or import, by path.

    `wanted`: whether a module of this name counts. Imports inside functions count, and so does a module that
    is named in a string, as `importlib` takes it.
    """
    found: dict[str, str] = {}
    waiting = list(entries)
    seen = set(waiting)
    while waiting:
        module = waiting.pop()
        path = module_file(root, module) if wanted(module) else None
        if path is None:
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


def module_file(root: Path, module: str) -> Path | None:
    """Where a module below `root` lies; None where there is none of that name."""
    if not module:
        return None
    base = root.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def digest(files: Mapping[str, str]) -> str:
    """One digest of all of them."""
    return _hash("".join(f"{path} {one}\n" for path, one in sorted(files.items())).encode())


def file_digest(source: bytes) -> str:
    """Of what a file says to Python; of its bytes where it is no Python."""
    return _digest_of(_tree(source), source)


def parsed(source: bytes) -> ast.Module:
    """`ast.parse`, one thread at a time.

    Python 3.11's parser keeps its depth in one place for the whole process: where a garbage collection lets
    another thread parse in its middle, it raises SystemError.
    """
    with _parsing:
        return ast.parse(source)


def _tree(source: bytes) -> ast.Module | None:
    """The syntax tree without docstrings; None where the source is no Python."""
    try:
        tree = parsed(source)
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
