"""A sweep in memory whose networks were evaluated, with answers that a test chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.sources.frame import EVALUATION_COLUMNS, make
from analysis.sources.load import Sweep
from tests.helpers.sweeps import Errors, in_memory

#: Statistics -> batch size -> errors in percent of seeds 1, 2, …; None where a network gave no numbers.
Answered = Mapping[str, Mapping[int, Sequence[float | None]]]


def evaluated(
    answered: Answered,
    *,
    errors: Errors | None = None,
    split: str = "test",
    data: str = "0" * 16,
    norm: str = "bn",
    **axes: Any,
) -> Sweep:
    """Trials of one norm, evaluated by the statistics of `answered`. `errors`: of the sweep's trials, else those
    by running statistics; `axes`: as for `in_memory`."""
    first = next(iter(answered.values()))
    own = errors or {(norm, None, size): values for size, values in first.items()}
    return with_answers(in_memory(own, **axes), answered, split=split, data=data, norm=norm)


def with_answers(
    sweep: Sweep, answered: Answered, *, split: str = "test", data: str = "0" * 16, norm: str = "bn"
) -> Sweep:
    """The sweep with these evaluations of the networks of one norm beside those that it has."""
    frame = sweep.frame[sweep.frame["norm"] == norm]
    ids = {(int(r["batch_size"]), int(r["seed"])): r["trial_id"] for _, r in frame.iterrows()}
    rows: list[dict[str, Any]] = [
        {
            "trial_id": ids[size, seed],
            "split": split,
            "data": data,
            "statistics": statistics,
            "images": 1000,
            "error": error,
            "loss": 1.0,
        }
        for statistics, by_size in answered.items()
        for size, values in by_size.items()
        for seed, error in enumerate(values, start=1)
    ]
    both = pd.concat([sweep.evaluations, make(rows, EVALUATION_COLUMNS)], ignore_index=True)
    return replace(sweep, evaluations=both)
