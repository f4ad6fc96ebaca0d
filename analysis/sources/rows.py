"""A row of somebody's table: what each of our columns may hold. Pure."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.sources.frame import COLUMNS, STATUSES
from model.axis import Axis, Value
from model.errors import InputError
from model.spec import AXES

#: Errors in percent.
_PERCENT = ("test_error", "test_error_median5", "val_error", "val_error_median5", "train_error")
#: The least that a whole number may be; 0 where it is not said.
_LEAST = {"pack_size": 1, **{name: int(axis.least or 0) for name, axis in AXES.items()}}
#: How a file may write a switch, in lower case.
_SWITCHES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: The most: what a number of 64 bits with a fraction still tells from its neighbours.
MOST = 2**53


def check(row: Mapping[str, object], where: str) -> None:
    """Raises InputError, which begins with `where`, for the first value that its column cannot hold.

    `row`: column -> value, None where there is none.
    """
    for name, value in row.items():
        kind = COLUMNS.get(name)
        if value is None or kind not in ("int", "float"):
            continue
        place = f"{where}, {name}"
        if kind == "int":
            whole(value, place, _LEAST.get(name, 0))
        elif not 0 <= number(value, place) <= 100 and name in _PERCENT:
            raise InputError(f"{place}: {value} is outside 0 to 100 percent")
    for name in ("norm", "batch_size", "seed", "status"):
        if row.get(name) is None:
            raise InputError(f"{where} has no {name}")
    status = row["status"]
    if status not in STATUSES:
        raise InputError(f"{where}: unknown status {status!r}; expected one of {', '.join(STATUSES)}")
    if status == "done" and row.get("test_error") is None and row.get("val_error") is None:
        raise InputError(f"{where} is of a trial that is done and has no error in test_error or val_error")


def of_axis(axis: Axis, value: object, where: str) -> Value:
    """A value of one of our axes out of a file; None where there is none. Raises InputError.

    A text may be one that we have no name for: it is somebody else's study."""
    if value is None:
        return None
    place, kind = f"{where}, {axis.name}", str(axis.kind)
    if kind == "int":
        return whole(value, place, int(axis.least or 0))
    if kind == "float":
        return number(value, place)
    text = " ".join(str(value).split())
    if kind != "bool":
        return text
    if text.lower() not in _SWITCHES:
        raise InputError(f"{place}: {text[:40]!r} is neither true nor false")
    return _SWITCHES[text.lower()]


def own_column(values: Sequence[object]) -> pd.Series:
    """A column of an axis that is none of ours: whole numbers or numbers where all are, else text."""
    numbers = [_number(value) for value in values]
    if any(number is None and value is not None for number, value in zip(numbers, values, strict=True)):
        return pd.Series([None if v is None else " ".join(str(v).split()) for v in values], dtype="string")
    if all(number is None or number == int(number) for number in numbers):
        return pd.Series([None if n is None else int(n) for n in numbers], dtype="Int64")
    return pd.Series([math.nan if n is None else n for n in numbers], dtype="float64")


def _number(value: object) -> float | None:
    """A finite number; None for anything else."""
    try:
        result = float(str(value))
    except ValueError:
        return None
    return result if math.isfinite(result) and abs(result) < MOST else None


def number(value: object, where: str) -> float:
    """A finite number. Raises InputError."""
    if value is None:
        raise InputError(f"{where} is empty; expected a number")
    try:
        result = float(str(value))
    except ValueError:
        result = math.nan
    if not math.isfinite(result):
        raise InputError(f"{where}: {str(value)[:40]!r} is no number")
    return result


def whole(value: object, where: str, least: int) -> int:
    """A whole number from `least` to `MOST`. Raises InputError."""
    result = number(value, where)
    if not least <= result < MOST or result != int(result):
        raise InputError(
            f"{where}: {str(value)[:40]!r} is no whole number of at least {least} and below 2^53"
        )
    return int(result)
