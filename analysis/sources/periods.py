"""Epochs of one trial that follow each other on one worker, joined.

What is told of time needs no more of them, so that of a large sweep not every epoch has to be kept.
"""

import numpy as np
import pandas as pd

#: A pause between two epochs longer than this many seconds ends a busy period.
PAUSE = 60.0


def periods(history: pd.DataFrame) -> pd.DataFrame:
    """A row for each, in the order of trials and epochs. `history`: all epochs of each of its trials.

    `begin`, `end`: Unix seconds, to a tenth of a second; `ended`: as `end`, not rounded; `epochs`: how many;
    `speed`: their median images per second; `worker`, `device`: of the first.
    """
    rows = history[history["ended"].notna() & history["seconds"].notna()]
    rows = rows.sort_values(["trial_id", "epoch"], kind="stable")
    worker = rows["worker"].fillna("worker").astype(str)
    begin = rows["ended"] - rows["seconds"]
    pause = begin - rows["ended"].shift()
    fresh = (
        (rows["trial_id"] != rows["trial_id"].shift())
        | (worker != worker.shift())
        | (pause > np.maximum(PAUSE, 3 * rows["seconds"]))
        | (pause < -PAUSE)
    )
    parts = pd.DataFrame(
        {
            "trial_id": rows["trial_id"].astype(str),
            "worker": worker,
            "device": rows["device"],
            "begin": begin.round(1),
            "end": rows["ended"].round(1),
            "ended": rows["ended"],
            "speed": rows["images_per_second"],
            "part": fresh.fillna(True).astype(bool).cumsum(),
        }
    ).groupby("part")
    return parts.agg(
        trial_id=("trial_id", "first"),
        worker=("worker", "first"),
        device=("device", "first"),
        begin=("begin", "min"),
        end=("end", "max"),
        ended=("ended", "max"),
        epochs=("begin", "size"),
        speed=("speed", "median"),
    )
