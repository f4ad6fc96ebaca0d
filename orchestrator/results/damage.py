"""Damage in finished trials that no count shows: their result is whole, what stands beside it is not.

Nothing is trained again for it. But an identity that was edited makes a result another trial's, and weights
that are lost or spoilt are missed only by who needs them, so whoever reads a sweep's folder says so.
"""

import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Literal

from orchestrator.grid.trial import digest
from orchestrator.results.checkpoint import unpacks_larger, whose
from orchestrator.results.disk import MAX_BYTES
from orchestrator.results.files import Files
from orchestrator.results.store import Store
from orchestrator.results.stretches import other_data
from orchestrator.results.trial_state import TrialState

#: Bytes of weights that are read whole to hold them against their checksums: of any sweep that ships.
#: Where there are more only the ends of files are looked at, and in a bucket only sizes.
_READ = 256 * 2**20
_NAMED = 3

#: What can be wrong with weights that are there.
Fault = Literal["damaged", "other", "data"]


def damage(store: Store, states: Mapping[str, TrialState]) -> list[str]:
    """A sentence for each kind of damage beside the results of finished trials, none where all is well.

    `states`: from a scan. Of those that are not known to be sound it reads trial.json, and of weights.pt what
    is cheap; what it finds sound, the next scan knows.
    """
    finished = sorted(trial_id for trial_id, state in states.items() if state.finished and not state.sound)
    if not finished:
        return []
    kept = "Their results are whole and nothing is trained again."
    missing = [trial_id for trial_id in finished if states[trial_id].weights is None]
    faults = _faults(store.files, finished, states)
    edited = _edited(store, finished)
    wrong = {*missing, *faults, *edited}
    whole = (states[trial_id] for trial_id in finished if trial_id not in wrong)
    store.keep_sound(state for state in whole if state.recorded and not state.warnings)
    sentences = (
        ("trial.json is damaged or was edited in", edited, "Look at them before you use them."),
        ("weights.pt is missing in", missing, kept),
        ("weights.pt is damaged in", [i for i, fault in faults.items() if fault == "damaged"], kept),
        ("weights.pt is another trial's in", [i for i, fault in faults.items() if fault == "other"], kept),
        (
            "weights.pt was trained on other data than its result in",
            [i for i, fault in faults.items() if fault == "data"],
            kept,
        ),
    )
    return [f"{what} {_names(ids)}. {so}" for what, ids, so in sentences if ids]


def _edited(store: Store, finished: Sequence[str]) -> list[str]:
    """Trials whose identity cannot be read, or is not the one that their id was made from."""
    identities = store.identities(finished)
    return [
        trial_id
        for trial_id in finished
        if trial_id not in identities or not trial_id.endswith(f"-{digest(identities[trial_id])}")
    ]


def _faults(files: Files, finished: Sequence[str], states: Mapping[str, TrialState]) -> dict[str, Fault]:
    """Of `finished`, those whose weights are there and not whole, or not theirs."""
    held = {trial_id: size for trial_id in finished if (size := states[trial_id].weights) is not None}
    if not files.local:
        return {trial_id: "damaged" for trial_id, size in held.items() if not 0 < size <= MAX_BYTES}
    ours = {trial_id for trial_id, size in held.items() if size <= MAX_BYTES}
    sizes = (state.weights or 0 for state in states.values() if state.finished)
    whole = sum(size for size in sizes if size <= MAX_BYTES) <= _READ
    faults: dict[str, Fault | None] = dict.fromkeys(held, "damaged")  # as one is that is too large
    faults |= {i: _fault(files.path(f"trials/{i}/weights.pt"), states[i], whole=whole) for i in ours}
    return {trial_id: fault for trial_id, fault in faults.items() if fault is not None}


def _fault(path: str, state: TrialState, *, whole: bool) -> Fault | None:
    """Of a file of torch.save: whether it has its directory, which is its end, and (`whole`) its checksums
    hold, and whether it says that it is another trial's, or of other data than the result says."""
    try:
        with zipfile.ZipFile(path) as archive:
            if unpacks_larger(archive, os.path.getsize(path)) or (whole and archive.testzip() is not None):
                return "damaged"
            trial_id, data = whose(archive)
            if trial_id not in {None, state.trial_id}:
                return "other"
            return "data" if data and other_data({**(state.result or {})}, [data]) else None
    except FileNotFoundError:
        return None  # gone since it was listed
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return "damaged"


def _names(ids: Sequence[str]) -> str:
    trials = "1 finished trial" if len(ids) == 1 else f"{len(ids)} finished trials"
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{trials}: {', '.join(ids[:_NAMED])}{more}"
