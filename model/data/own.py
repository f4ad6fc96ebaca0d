"""A data set that a user brings as a function, `--dataset mylab.data:load`.

`load()` takes nothing and returns a dict in the form of `model.data.arrays`. Its source is part of what the
data set is called, and what it returned is known by a fingerprint: where it reads other images than before,
that is noticed, as in a folder of images.
"""

from __future__ import annotations

from model import own
from model.data.arrays import Checked, checked
from model.data.cache import cached
from model.errors import InputError, reason

_returned: dict[str, Checked] = {}


def read(name: str) -> Checked:
    """What the function of that import path returned when it was last called by `reread`, else now."""
    return _returned.get(name) or reread(name)


def reread(name: str) -> Checked:
    """Call the function and check what it returns. Raises InputError that names its file and line.

    The arrays are mapped from the cache, so that the workers of a machine hold them once.
    """
    function = own.load(name)
    file = own.source_file(name)
    line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
    where = f"{file} line {line}" if line else str(file)
    title = own.short_name(name)
    if not callable(function):
        raise InputError(f"{where}: {title} is no function; expected {title}() that returns a dict of arrays")
    try:
        found = function()
    except InputError:
        raise
    except Exception as error:  # whatever a user's function raises
        what = f"{type(error).__name__}: {reason(error)}"
        raise InputError(f"{own.where(error, file)}: {title}() failed: {what}") from None
    new = checked(name, found, f"{where}: {title}()")
    arrays = cached(f"own-{new.info.fingerprint}", lambda: new.arrays)
    _returned[name] = Checked(new.info, arrays)
    return _returned[name]
