"""One number for what a table, a figure and a claim were computed from.

It covers the results and nothing that passes: not the machine, the clock, the folder, the pack or the order
of rows. So it is the same from a sweep's folder, from its results.csv and from a copy on another machine, and
a reader can tell whether a paper's numbers are those of a file in hand.
"""

import csv
import hashlib
import io
import math
from typing import Any

import pandas as pd

#: What is covered of every trial with a result, in this order.
COVERED = (
    "trial_id",
    "status",
    "test_error",
    "test_error_median5",
    "val_error",
    "val_error_median5",
    "train_error",
    "train_loss",
    "epochs_run",
    "diverged_at",
)


def canonical(frame: pd.DataFrame) -> str:
    """A line of CSV for each trial that is done or diverged, with COVERED, sorted as text, each ended by \\n.

    Numbers are the shortest that give the same float64 again; what is not known is empty.
    """
    results = frame[frame["status"].isin(["done", "diverged"])]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    lines = []
    for row in results[list(COVERED)].itertuples(index=False):
        writer.writerow([_text(value) for value in row])
        lines.append(out.getvalue())
        out.seek(0)
        out.truncate()
    return "".join(sorted(lines))


def results_digest(frame: pd.DataFrame) -> str:
    """SHA-256, in hexadecimal, of `canonical` in UTF-8."""
    return hashlib.sha256(canonical(frame).encode()).hexdigest()


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    return repr(float(value)) if isinstance(value, float) and math.isfinite(value) else str(value)
