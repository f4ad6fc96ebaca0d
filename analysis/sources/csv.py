"""Results in a CSV: our own results.csv, or a study's `seed,batch_size,norm,accuracy`.

Whatever else differs between its trials is an axis: a column that has the name of one of ours, as lr, is one;
of any other only who made the file can say whether it is (`--axis temperature`) or a remark.

Somebody else's numbers are checked before they are shown beside ours: a wrong unit (percent for a
fraction) or a repeated seed would give a plausible and false figure.
"""

import difflib
import io
import posixpath
import re
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

import pandas as pd

from analysis.sources.frame import COLUMNS, Row, make
from analysis.sources.rows import check, number, of_axis, own_column, whole
from model.errors import InputError
from model.norm_table import NORM_NAMES
from model.spec import AXES
from orchestrator.results.files import Files

STUDY_COLUMNS = ("seed", "batch_size", "norm", "accuracy")

#: How a study may spell a norm of ours, in lower case and letters alone.
_NORMS = {
    spelling: norm
    for norm, name in NORM_NAMES.items()
    for spelling in (norm, name.lower().replace(" ", ""), name.lower().replace(" ", "") + "alization")
}
_MAX_BYTES = 64 * 2**20
#: What a study may say of its trials beside: every axis of ours but those that it has to, and G.
_AXES = {name: axis for name, axis in AXES.items() if name not in {"norm", "batch_size", "groups", "holdout"}}


def read(url: str, axes: Sequence[str] = ()) -> tuple[pd.DataFrame, Literal["table", "study"]]:
    """The frame of a CSV file at a path or URL, and whether its columns are ours or a study's. `axes`:
    columns that are axes and none of ours. Raises InputError."""
    raw = _parse(url)
    if {"trial_id", "status", "test_error"} <= set(raw.columns):
        return complete(raw, f"{url} line", first=2, axes=axes), "table"
    return _study(raw, url, axes), "study"


def complete(raw: pd.DataFrame, where: str = "row", first: int = 0, axes: Sequence[str] = ()) -> pd.DataFrame:
    """A frame that has some of our columns, with all of them in order and typed, and with those of `axes`
    behind.

    `where` and `first`: how an error names a row. Raises InputError where a value is not what its column
    holds: a row that was left out in silence would change a mean.
    """
    missing = [name for name in ("norm", "batch_size", "seed", "status") if name not in raw.columns]
    if missing:
        raise InputError(f"the results lack the column {missing[0]!r}; expected those of results.csv")
    own = _own(axes, list(raw.columns), where.removesuffix(" line") if first else "the frame")
    rows = [{str(key): _absent(value) for key, value in row.items()} for row in raw.to_dict("records")]
    seen: dict[tuple[object, object], int] = {}
    for line, row in enumerate(rows, start=first):
        check(row, f"{where} {line}")
        if (trial_id := row.get("trial_id")) is not None:
            before = seen.setdefault((row.get("source"), trial_id), line)
            if before != line:
                raise InputError(f"{where} {line} repeats the trial of {where} {before}: {trial_id}")
    return _with_own(make(rows), rows, own)


def _own(axes: Sequence[str], columns: Sequence[str], where: str) -> list[str]:
    """Those of `axes` that are none of ours, each once. Raises InputError where `columns` lack one."""
    own = list(dict.fromkeys(name for name in axes if name not in AXES))
    for name in own:
        if name in COLUMNS:
            raise InputError(f"--axis {name}: that column says what became of a trial, not what it was")
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"--axis {name}: {where} has no such column{hint}")
    return own


def _with_own(frame: pd.DataFrame, rows: Sequence[Row], own: Sequence[str]) -> pd.DataFrame:
    """`frame` with a column for each of `own`, after all others."""
    return frame.assign(**{name: own_column([row.get(name) for row in rows]) for name in own})


def _absent(value: Any) -> Any:
    """None for an empty cell, and for one of nothing but spaces."""
    return None if pd.isna(value) or not str(value).strip() else value


def _parse(url: str) -> pd.DataFrame:
    folder, name = posixpath.split(url)
    try:
        files = Files(folder or ("/" if url.startswith("/") else "."))
        if files.fs.size(files.path(name)) > _MAX_BYTES:
            raise InputError(f"{url} is larger than {_MAX_BYTES // 2**20} MiB; that is no table of trials")
        text = files.read(name).decode("utf-8-sig")
        raw = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError(f"no such file: {url}") from None
    except (IsADirectoryError, PermissionError) as error:
        raise InputError(f"cannot read {url}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{url} is not UTF-8 text; save it as a comma-separated CSV in UTF-8") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{url} is empty; expected a header {','.join(STUDY_COLUMNS)} and rows") from None
    except pd.errors.ParserError as error:
        raise InputError(f"{url} does not parse as CSV: {error}") from None
    raw.columns = [str(column).strip() for column in raw.columns]
    if raw.empty:
        raise InputError(f"{url} has a header but no rows; expected one row per trial")
    return raw


def _study(raw: pd.DataFrame, url: str, axes: Sequence[str]) -> pd.DataFrame:
    missing = [name for name in STUDY_COLUMNS if name not in raw.columns]
    if missing:
        raise InputError(
            f"{url} lacks the column {missing[0]!r}: expected {', '.join(STUDY_COLUMNS)}, "
            f"found {', '.join(raw.columns)}"
        )
    own = _own(axes, list(raw.columns), url)
    seen: dict[tuple[Any, ...], int] = {}
    spelt: dict[str, str] = {}
    rows = []
    records = [{str(k): _absent(v) for k, v in record.items()} for record in raw.to_dict("records")]
    for line, record in enumerate(records, start=2):
        row = {
            **{name: record.get(name) for name in own},
            **_study_row(record, f"{url} line {line}", spelt),
            "source": url,
        }
        key = tuple(row.get(name) for name in (*_AXES, *own, "norm", "groups", "batch_size", "seed"))
        if key in seen:
            raise InputError(_repeated(f"{url} line {line}", seen[key], list(raw.columns), own))
        seen[key] = line
        rows.append({**row, "trial_id": _trial_id(row, own)})
    frame = _with_own(make(rows), rows, own)
    frame["holdout"] = pd.array([None] * len(frame), dtype="Int64")  # on what it was measured, nobody says
    return frame


def _repeated(where: str, before: int, columns: Sequence[str], axes: Sequence[str]) -> str:
    """What is wrong with a row that no axis tells from an earlier one, and what may be meant."""
    known = {*STUDY_COLUMNS, *AXES, *axes}
    unused = [name for name in columns if name not in known]
    hint = f"; if {unused[0]} tells them apart, say --axis {unused[0]}" if unused else ""
    return f"{where} repeats the norm, batch size and seed of line {before}{hint}"


def _trial_id(row: Row, axes: Sequence[str]) -> str:
    """A name for a row that has none."""
    groups = f"-g{row['groups']}" if row["groups"] else ""
    more = [f"-{name}={row[name]}" for name in (*_AXES, *axes) if name in row and row[name] is not None]
    background = "".join(part for part in more if not part.startswith(("-dataset=", "-model=", "-recipe=")))
    return (
        f"csv-{quote(row['norm'])}{groups}-b{row['batch_size']}{quote(background, safe='-=.')}-s{row['seed']}"
    )


def _norm(value: Any, where: str, spelt: dict[str, str]) -> str:
    """A norm of ours by its short name; any other as the file first spells it, which `spelt` remembers."""
    name = "" if pd.isna(value) else " ".join(str(value).split())
    if not name:
        raise InputError(f"{where} names no norm; expected Batch Norm, Group Norm or the name of another")
    letters = re.sub(r"[^a-z]", "", name.lower()).replace("isation", "ization")
    return _NORMS.get(letters) or spelt.setdefault(name.lower(), name)


def _study_row(record: dict[str, Any], where: str, spelt: dict[str, str]) -> dict[str, Any]:
    norm = _norm(record["norm"], where, spelt)
    batch_size, seed = (
        whole(record[name], f"{where}, {name}", least) for name, least in (("batch_size", 1), ("seed", 0))
    )
    accuracy = number(record["accuracy"], f"{where}, accuracy")
    if not 0 <= accuracy <= 1:
        hint = "; it looks like percent: divide by 100" if 1 < accuracy <= 100 else ""
        raise InputError(f"{where}: accuracy {record['accuracy']} is outside 0 to 1{hint}")
    given = record.get("groups")
    groups = None if given is None or pd.isna(given) else whole(given, where, 1)
    return {
        **{name: of_axis(axis, record[name], where) for name, axis in _AXES.items() if name in record},
        "norm": norm,
        "groups": groups,
        "batch_size": batch_size,
        "seed": seed,
        "status": "done",
        "test_error": 100 * (1 - accuracy),
        "declared": True,
    }
