"""The frame of a sweep before it runs: what a report will be made of is known from what is declared."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.sources.frame import HISTORY_COLUMNS, make
from analysis.sources.load import Sweep, load_sweep
from orchestrator.results.store import Store


def foreseen(url: str, identities: Mapping[str, Mapping[str, Any]]) -> Sweep:
    """The sweep in the folder `url`, which need not be there yet, with the trials that are to be declared in
    it. `identities`: by trial id. Raises InputError, as `load_sweep`."""
    rows = [
        {**identity, "trial_id": trial_id, "status": "missing", "declared": True, "source": url}
        for trial_id, identity in identities.items()
    ]
    frame = make(rows)
    if Store(url).sweep() is not None:
        there = load_sweep(url, history=False).frame
        there["declared"] = there["trial_id"].isin([*identities])
        new = ~frame["trial_id"].isin(there["trial_id"])
        frame = pd.concat([there, frame[new]], ignore_index=True) if new.any() else there
    return Sweep(url.rsplit("/", 1)[-1], url, frame, make([], HISTORY_COLUMNS))
