"""Files of the user's own that are called as a package of this project: a `model.py` beside one's scripts.

`python -m` looks in the folder that it is typed in before anything that is installed, so that file would be
run in place of the package, and what fails then says nothing of why. Found out here without importing it.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("model", "orchestrator", "analysis")
_HOME = Path(__file__).resolve().parents[1]


def refuse_shadowed() -> None:
    """See that Python takes this project's packages from beside this one.

    Raises ImportError that names the file; in a command, says so in a line and exits with 2.
    """
    for name in PACKAGES:
        if (place := _taken_from(name)) is not None:
            _refuse(name, place)


def shadows_in(folder: str) -> bool:
    """Whether a folder that comes first on Python's path hides a package of this project."""
    return any(
        spec is not None and not _ours(name, _place(spec))
        for name in PACKAGES
        for spec in [PathFinder.find_spec(name, [folder])]
    )


def python_m(module: str) -> list[str]:
    """How a process of ours starts another: not from this folder where it hides a package of ours."""
    return [sys.executable, *(["-P"] if shadows_in(os.getcwd()) else []), "-m", module]


def _taken_from(name: str) -> Path | None:
    """What Python would import, or has imported, by that name in place of ours; None where it is ours."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module that somebody made by hand
        return None
    if spec is None:
        return None  # a package that is not there is Python's own error
    place = _place(spec)
    if _ours(name, place):
        return None
    return place.parent if place.name == "__init__.py" else place


def _ours(name: str, place: Path) -> bool:
    return place.resolve() == _HOME / name / "__init__.py"


def _place(spec: ModuleSpec) -> Path:
    """A file, or a folder without `__init__.py`, which hides what is installed as editable."""
    return Path(spec.origin or next(iter(spec.submodule_search_locations or [spec.name])))


def _refuse(name: str, place: Path) -> None:
    by_module = sys.argv[:1] == ["-m"]  # so while Python looks for the module to run
    if by_module and place.parent.resolve() == Path.cwd():
        remedy = (
            "Type `normsweep` instead of `python -m`: it does not look here. "
            "Or start in another one, or rename it."
        )
    else:
        remedy = "Rename it, or take its folder off PYTHONPATH, or start Python in another."
    message = f"{place} hides normsweep's own package `{name}`. {remedy}"
    if by_module or os.path.basename(sys.argv[0]) == "normsweep":
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)
    raise ImportError(message, name=name, path=str(place))
