"""Sweeps in memory with errors that a test chooses, where files would only cost time."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.sources.frame import HISTORY_COLUMNS, make
from analysis.sources.load import Sweep

#: (norm, G) and batch size -> errors in percent of seeds 1, 2, …; None where that trial has no result.
Errors = dict[tuple[str, int | None, int], Sequence[float | None]]


def in_memory(errors: Errors, *, name: str = "sweep", without: str = "missing", **axes: Any) -> Sweep:
    """A sweep whose trials ended with `errors`. `without`: the status of those that have none; `axes`: of every
    trial, as `holdout=100`, beside digits, resnet20, wu2018 and 10 epochs."""
    shared = {
        "dataset": "digits",
        "model": "resnet20",
        "shortcut": "projection",
        "recipe": "wu2018",
        "epochs": 10,
    }
    judged = "val_error" if axes.get("holdout") else "test_error"
    rows = [
        {
            **shared,
            "holdout": 0,
            **axes,
            "trial_id": f"{name}-{norm}-{groups}-{size}-{seed}",
            "norm": norm,
            "groups": groups,
            "batch_size": size,
            "seed": seed,
            "status": without if error is None else "done",
            judged: error,
            f"{judged}_median5": error,
            "declared": True,
        }
        for (norm, groups, size), values in errors.items()
        for seed, error in enumerate(values, start=1)
    ]
    return Sweep(name, name, make(rows), make([], HISTORY_COLUMNS), facts={"name": name})


def two_norms(bn: Mapping[int, Sequence[float | None]], gn: Mapping[int, Sequence[float | None]]) -> Errors:
    """Batch norm's and group norm's (G = 8) errors, by batch size."""
    errors: Errors = {("bn", None, b): values for b, values in bn.items()}
    return errors | {("gn", 8, b): values for b, values in gn.items()}
