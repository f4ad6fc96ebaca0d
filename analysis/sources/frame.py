"""The one long table: a row per trial, the same columns wherever the results came from.

One wide schema instead of one per source, because everything downstream (statistics, tables, figures,
results.csv) should not know whether the numbers came out of a folder, a bucket, Ray or somebody's
spreadsheet. Columns keep their order for good: results.csv is read by other people's scripts.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pandas as pd

from model.spec import AXES, unsaid_of

#: `truth`: true, false or not known; `bool`: true or false.
ColumnType = Literal["text", "int", "float", "truth", "bool"]

#: The axes of a trial's identity: those of its cell, and the seed.
IDENTITY = (*AXES, "seed")

_KINDS: dict[str, ColumnType] = {
    **{name: "truth" if axis.kind == "bool" else axis.kind for name, axis in AXES.items()},
    "seed": "int",
}


def _axes(*names: str) -> dict[str, ColumnType]:
    return {name: _KINDS[name] for name in names}


#: Column -> kind. `int` is pandas' nullable Int64, `text` its nullable string. Errors are in percent.
#: Axes stand where results.csv has had them from the beginning; those added since stand at the end.
#: `sequential`: whether a rule added seeds to its sweep as results came in.
#: `tuning`: "search" of a trial that searches, "chosen" of one that is there because a search chose it,
#: "unchosen" where the search has chosen another since; empty of every other.
COLUMNS: dict[str, ColumnType] = {
    "trial_id": "text",
    **_axes("dataset", "model", "norm", "groups", "batch_size", "recipe", "epochs", "seed"),
    "status": "text",
    "test_error": "float",
    "test_error_median5": "float",
    "val_error": "float",
    "train_seconds": "float",
    **_axes("shortcut", "iterations", "holdout"),
    "val_error_median5": "float",
    "train_error": "float",
    "train_loss": "float",
    "epochs_run": "int",
    "diverged_at": "int",
    "pack_seconds": "float",
    "pack_size": "int",
    "images_per_second": "float",
    "started": "text",
    "finished": "text",
    "worker": "text",
    "device": "text",
    "attempts": "int",
    "failure": "text",
    "commit": "text",
    "declared": "bool",
    "source": "text",
    "code": "text",
    "sequential": "bool",
    "tuning": "text",
}
COLUMNS |= {name: kind for name, kind in _KINDS.items() if name not in COLUMNS}

HISTORY_COLUMNS: dict[str, ColumnType] = {
    "trial_id": "text",
    "epoch": "int",
    "learning_rate": "float",
    "train_loss": "float",
    "train_error": "float",
    "test_error": "float",
    "val_error": "float",
    "seconds": "float",
    "images_per_second": "float",
    "ended": "float",
    "worker": "text",
    "device": "text",
}

EVALUATION_COLUMNS: dict[str, ColumnType] = {
    "trial_id": "text",
    "split": "text",
    "data": "text",
    "statistics": "text",
    "images": "int",
    "error": "float",
    "loss": "float",
    "file": "text",
}

#: Column -> value, before `make` gives it its type.
Row = dict[str, Any]

STATUSES = ("done", "diverged", "failed", "partial", "missing")


def make(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str] = COLUMNS) -> pd.DataFrame:
    """A frame with exactly `columns`, typed; a value of the wrong kind becomes missing."""
    rows = list(rows)
    frame = pd.DataFrame({name: _column([r.get(name) for r in rows], kind) for name, kind in columns.items()})
    if "holdout" in frame:
        frame["holdout"] = frame["holdout"].fillna(0)  # a source that does not say held nothing out
    for name, axis in AXES.items():
        if name in frame and axis.unsaid is not None:
            frame[name] = frame[name].fillna(axis.unsaid)
        if name in frame and axis.from_recipe and "recipe" in frame:
            by = zip(frame["recipe"].fillna(""), frame["optimizer"].fillna(""), strict=True)
            unsaid = [unsaid_of(name, {"recipe": recipe, "optimizer": own}) for recipe, own in by]
            frame[name] = frame[name].fillna(_column(unsaid, _KINDS[name]))
    return frame


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials that a sweep consists of: of each source those that it declares, or all where it declares
    none, as a folder without its sweep.json."""
    declaring = frame.loc[frame["declared"], "source"].fillna("")
    return frame[frame["declared"] | ~frame["source"].fillna("").isin(declaring)]


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials that figures and tables compare: of each source those that count, without those of a
    search, and where some trials are trained alike whatever a search chose, without those that only a search
    chose."""
    frame = counted(frame)
    if frame["tuning"].isna().all():
        return frame
    kept = frame[~frame["tuning"].isin(["search", "unchosen"])]
    alike = kept[kept["declared"] & kept["tuning"].isna()]
    beside = kept["source"].fillna("").isin(alike["source"].fillna(""))
    return kept[~(beside & kept["tuning"].isin(["chosen"]))]


def plain_column(column: pd.Series) -> list[Any]:
    """The values of a column as Python's own, None for what is missing."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def _column(values: list[Any], kind: str) -> pd.Series:
    if kind == "truth":
        words = {"true": True, "false": False}
        return pd.Series([words.get(str(v).lower()) for v in values], dtype="boolean")
    if kind == "bool":
        return pd.Series([v is True or v == "True" for v in values], dtype="bool")
    if kind == "text":
        return pd.Series([None if v is None or v == "" else str(v) for v in values], dtype="string")
    if kind == "int":
        return pd.Series([_whole(v) for v in values], dtype="Int64")
    return pd.Series([_real(v) for v in values], dtype="float64")


def _real(value: Any) -> float:
    if value is None or isinstance(value, bool):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):  # the last: a whole number of 400 digits
        return float("nan")


def _whole(value: Any) -> int | None:
    number = _real(value)
    return int(number) if math.isfinite(number) and abs(number) < 2**53 and number == int(number) else None
