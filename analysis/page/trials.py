"""The section with every trial, in a table that is searched and paged."""

from typing import TypedDict

from analysis.page import html
from analysis.page.html import Column, Section
from analysis.page.opening import STATUS_WORDS
from analysis.sources.frame import plain_column
from analysis.stats.axes import axis_named, in_column, tells_apart
from analysis.stats.roles import own_axes
from analysis.study import Study
from model.spec import AXES

#: What a sweep varies beside norm, G and batch size.
_MORE_AXES = [
    axis
    for name, axis in AXES.items()
    if not axis.background and name not in {"norm", "groups", "batch_size"}
]
_COLUMNS = (
    Column("status", "Status"),
    Column("dataset", "Data set"),
    Column("model", "Model"),
    Column("norm", "Norm"),
    Column("groups", "G", True),
    Column("batch_size", "Batch", True),
    *(Column(axis.name, axis.label, axis.kind != "text") for axis in _MORE_AXES),
    Column("seed", "Seed", True),
    Column("test_error", "Test error %", True, 2),
    Column("test_error_median5", "Median of 5", True, 2),
    Column("val_error", "Validation error %", True, 2),
    Column("epochs_run", "Epochs", True),
    Column("train_seconds", "Seconds", True, 1),
    Column("failure", "Failure"),
    Column("code", "Code"),
    Column("trial_id", "Trial"),
)
_ALWAYS = {"status", "norm", "batch_size", "seed", "trial_id"}
#: Shown where they are more than one thing; the others where any trial has them.
_WHERE_THEY_VARY = {"dataset", "model", "code", *(axis.name for axis in _MORE_AXES)}


class TrialData(TypedDict):
    """The rows as plain values, what the page shows of each column, and status -> words."""

    columns: list[dict[str, str | int | None]]
    rows: list[list[str | float | None]]
    words: dict[str, str]


def section(study: Study) -> Section:
    """The empty table, which the page's script fills from `trial_data`."""
    body = html.render("trials", columns=trial_columns(study))
    return Section("trials", "Trials", f"All {len(study.frame):,} trials", body)


def trial_columns(study: Study) -> tuple[Column, ...]:
    """The columns that say something here: constant or empty ones are left out of a wide table."""
    extra = (Column("source", "Sweep"),) if study.several else ()
    own = tuple(Column(name, axis_named(name).label) for name in own_axes(study.frame))
    place = next(i for i, column in enumerate(_COLUMNS) if column.key == "seed")
    ours = (*_COLUMNS[:place], *own, *_COLUMNS[place:])
    columns = extra + tuple(c for c in ours if _says_something(study, c.key))
    studies = [
        sweep.origin == "study" for sweep in study.sweeps
    ]  # which do not say on what images they erred
    if all(studies):
        return tuple(_named(c, "Error %") for c in columns if c.key not in {"status", "trial_id"})
    return tuple(_named(c, "Test error %, or a CSV’s") for c in columns) if any(studies) else columns


def _named(column: Column, name: str) -> Column:
    return column._replace(name=name) if column.key == "test_error" else column


def _says_something(study: Study, key: str) -> bool:
    if key in _ALWAYS:
        return True
    values = study.frame[key]
    if key in _WHERE_THEY_VARY:
        pairs = zip(plain_column(study.frame["source"]), plain_column(values), strict=True)
        return tells_apart(key, pairs) if key in AXES else bool(values.nunique(dropna=False) > 1)
    return bool(values.notna().any())


def trial_data(study: Study) -> TrialData:
    """What the page's script shows."""
    columns = trial_columns(study)
    wanted = study.frame[[c.key for c in columns]].astype(object)
    plain = wanted.where(wanted.notna(), None)
    if study.several and "trial_id" in plain:
        plain["trial_id"] = plain["trial_id"].str.partition("/")[2]
    for axis in _MORE_AXES:
        if axis.spoken is not None and axis.name in plain:
            plain[axis.name] = [in_column(axis.name, value) for value in plain[axis.name]]
    described: list[dict[str, str | int | None]] = [
        {"key": c.key, "digits": c.digits, "class": "num" if c.numeric else ""} for c in columns
    ]
    return {"columns": described, "rows": plain.to_numpy().tolist(), "words": STATUS_WORDS}
