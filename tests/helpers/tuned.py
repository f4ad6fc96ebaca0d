"""A sweep in memory that searched a learning rate for each cell, with errors that a test chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.sources.load import Sweep
from analysis.sources.tuning import tuning_record, uses
from tests.helpers.sweeps import Errors, in_memory

Cell = tuple[str, int | None, int]
#: Cell -> learning rate -> errors on the hold-out of seeds 10001, 10002, …; None where the trial diverged.
Searches = Mapping[Cell, Mapping[float, Sequence[float | None]]]
RECIPE = 0.1


def tuned(
    searches: Searches,
    finals: Mapping[Cell, tuple[float, Sequence[float | None]]],
    common: Errors,
    *,
    without: str = "diverged",
) -> Sweep:
    """`finals`: cell -> the rate that it was trained with on everything, and the errors of seeds 1, 2, …;
    `common`: those at the learning rate `RECIPE`; `without`: the status of a search's trial without an error."""
    frames: list[pd.DataFrame] = []
    record: list[list[dict[str, object]]] = []
    for cell, tried in searches.items():
        candidates: list[dict[str, object]] = []
        for lr, errors in tried.items():
            search = in_memory({cell: errors}, name=f"search{lr}", without=without, holdout=100, lr=lr).frame
            search["seed"] = search["seed"] + 10_000
            frames.append(search)
            rate, values = finals.get(cell, (None, ()))
            final = [_id(cell, lr, seed) for seed in range(1, 6)]
            if lr == rate and lr != RECIPE:
                made = in_memory({cell: values}, name=f"final{lr}", lr=lr).frame
                frames.append(made)
            candidates.append({"values": {"lr": lr}, "search": search["trial_id"].tolist(), "final": final})
        record.append(candidates)
    beside = in_memory(common, name=f"final{RECIPE}", lr=RECIPE).frame
    frame = pd.concat([beside, *frames] if len(beside) else frames, ignore_index=True)
    facts = {"name": "tuned", "tuning": {"searches": record, "beside": beside["trial_id"].tolist()}}
    found = uses(tuning_record(facts), dict.fromkeys(frame["trial_id"]))
    frame["tuning"] = frame["trial_id"].map(found).astype("string")
    return replace(in_memory({}), frame=frame, facts=facts)


def _id(cell: Cell, lr: float, seed: int) -> str:
    return f"final{lr}-{cell[0]}-{cell[1]}-{cell[2]}-{seed}"
