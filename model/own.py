"""Code that a user brings, named by an import path: `mylab.norms:MyNorm`.

In an identity stands the path with a digest behind it, `mylab.norms:MyNorm@1a2b3c4d5e6f`: of the source of
its module and of what that imports from beside it. So an edited norm is another norm, and its results are
never mixed with those of before; a machine whose file is another one refuses to train.

Naming and comparing need no import; `load` imports, and runs what stands in the module.
"""

import contextlib
import difflib
import importlib
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from model.digest import digest, imported_files, module_file
from model.errors import InputError

_PATH = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*)(@(?P<digest>[0-9a-f]{12}))?")
_HOW = "write module:Name, as in mylab.norms:MyNorm, for Name in mylab/norms.py"
#: Packages that are part of the product, whose own digest is kept elsewhere.
_PRODUCT = {"model", "orchestrator", "analysis"}
_OURS = _PRODUCT | {"tests"}


def is_own(value: str) -> bool:
    """Whether a value of an axis is an import path and no name of ours."""
    return ":" in value


def short_name(value: str) -> str:
    """What people call it: MyNorm. A name of ours is its own."""
    match = _PATH.fullmatch(value)
    return match["name"] if match else value


def unpinned(value: str) -> str:
    """The path as its user wrote it, without the digest."""
    return value.partition("@")[0]


def pinned(value: str) -> str:
    """The path with the digest of its source behind it; one that has a digest is taken as it is.

    Raises InputError where there is no such module, or where its file does not parse.
    """
    module, name, said = _parts(value)
    return value if said else f"{module}:{name}@{_digest(value)}"


def load(value: str) -> Any:
    """What a path names. Raises InputError where it does not import, or its source is not the pinned one."""
    module, name, said = _parts(value)
    file = source_file(value)
    if said and _digest(value) != said:
        raise InputError(
            f"{file} is not what this trial was declared with (its digest is {_digest(value)}, not {said}): "
            "it was edited, or this machine has another version; run the sweep again to declare it anew"
        )
    _forget_old(module, value)
    try:
        found = importlib.import_module(module)
    except Exception as error:  # whatever a user's module raises
        raise InputError(f"{where(error, file)}: {module} does not import: {_words(error)}") from None
    if Path(str(found.__file__)).resolve() != file.resolve():
        raise InputError(f"{file}: the name {module} is taken by {found.__file__}; call the file otherwise")
    _imported[module] = (digest(source_files(value).digests), found.__spec__)
    try:
        return getattr(found, name)
    except AttributeError:
        near = difflib.get_close_matches(name, dir(found), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"{file}: there is no {name} in it{hint}") from None


#: Module -> digest of its source when it was imported here, and the spec by which: a reload has another.
_imported: dict[str, tuple[str, object]] = {}


def _forget_old(module: str, value: str) -> None:
    """See that the next import reads the files as they are: a notebook's process outlives many an edit, and
    what it imported before would be trained under the new digest. A module that somebody else imported is of
    an age that nobody knows."""
    if (there := sys.modules.get(module)) is None or (found := source_files(value)).installed:
        return
    if _imported.get(module) == (digest(found.digests), there.__spec__):
        return
    files = {(found.root / path).resolve() for path in found.digests}
    for name, one in list(sys.modules.items()):
        file = getattr(one, "__file__", None)
        if file and Path(file).resolve() in files:
            del sys.modules[name]
            with contextlib.suppress(OSError, NotImplementedError):
                Path(cache_from_source(file)).unlink()  # Python tells it from another by a second and a size


def source_file(value: str) -> Path:
    """The file that a path names. Imports nothing. Raises InputError."""
    module = _parts(value)[0]
    file = module_file(_root(value), module)
    assert file is not None
    return file


@dataclass(frozen=True)
class SourceFiles:
    """The files that a path's digest is of: `digests` by path below `root`. `installed`: as a package is."""

    root: Path
    digests: Mapping[str, str]
    installed: bool


def source_files(value: str) -> SourceFiles:
    """The module, and what it imports from beside it; an installed package counts by itself.

    Raises InputError.
    """
    module, root = _parts(value)[0], _root(value)
    top = module.partition(".")[0]
    installed = root.resolve() in {Path(path).resolve() for path in sysconfig.get_paths().values()}

    def wanted(name: str) -> bool:
        first = name.partition(".")[0]
        return first == top or (not installed and first not in _OURS)

    return SourceFiles(root, imported_files(root, [module], wanted), installed)


def where(error: BaseException, file: Path) -> str:
    """The file, and the line in it that an error came from, for a message."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename} line {error.lineno}"
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == file.resolve()
    ]
    return f"{file} line {frames[-1].lineno}" if frames else str(file)


def _parts(value: str) -> tuple[str, str, str | None]:
    """Module, name and digest. Raises InputError where it is no import path."""
    match = _PATH.fullmatch(value)
    if match is None:
        raise InputError(f"{value!r} is no import path: {_HOW}")
    first = match["module"].partition(".")[0]
    if first in _PRODUCT:
        raise InputError(
            f"{value}: the name {first} is taken by a package of normsweep; call the file otherwise"
        )
    return match["module"], match["name"], match["digest"]


def _root(value: str) -> Path:
    """The folder of Python's search path that the module lies in. Raises InputError."""
    module = _parts(value)[0]
    if os.getcwd() not in map(os.path.abspath, sys.path):  # a console command is not started with it
        sys.path.append(os.getcwd())
    spec = PathFinder.find_spec(module.partition(".")[0])
    origin = [spec.origin] if spec and spec.origin else []
    for place in origin or list(spec.submodule_search_locations or () if spec else ()):
        path = Path(str(place))
        root = path.parent.parent if path.name == "__init__.py" else path.parent
        if module_file(root, module):
            return root
    raise InputError(
        f"{value}: there is no module {module} here: {_HOW}, and start in the folder that it lies in "
        f"({os.getcwd()} now)"
    )


def _digest(value: str) -> str:
    """Of `source_files`. Raises InputError where the module is not Python."""
    file = source_file(value)
    try:
        compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{where(error, file)}: {_words(error)}") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    return digest(source_files(value).digests)


def _words(error: BaseException) -> str:
    """An error in a line."""
    text = " ".join(str(getattr(error, "msg", None) or error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
