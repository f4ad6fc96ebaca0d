"""What must not depend on anything that happened on the way: every number of every trial."""

from pathlib import Path
from typing import Any

from orchestrator.results.store import Store

#: Clocks, places and what follows from them.
PASSING = {"seconds", "images_per_second", "ended", "worker", "train_seconds", "pack_seconds", "started"}
PASSING |= {"finished", "provenance", "pack", "replicas", "code", "stretches"}


def numbers(folder: str | Path) -> dict[str, Any]:
    """Results, every epoch and the weights' bytes of all finished trials, by trial id."""
    import io

    import torch

    store, found = Store(str(folder)), {}
    for trial_id, state in store.scan(history=True).items():
        if not state.finished:
            continue
        assert state.history is not None
        weights = torch.load(io.BytesIO(store.files.read(f"trials/{trial_id}/weights.pt")), weights_only=True)
        found[trial_id] = (
            {k: v for k, v in (state.result or {}).items() if k not in PASSING},
            [{k: v for k, v in entry.items() if k not in PASSING} for entry in state.history["epochs"]],
            {name: tensor.numpy().tobytes() for name, tensor in weights.items()},
        )
    return found
