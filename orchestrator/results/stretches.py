"""How the epochs of a trial were computed: in which pack, on what machine, with which threads and kernels.

A trial that was interrupted may go on in another pack or on another machine, so its epochs fall into
stretches. Where there is one alone, a file says it by its `pack` and `provenance`; files of older versions
say no more than that of the last.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, cast

from orchestrator.results.codes import count, enumerated
from orchestrator.results.records import EpochRecord, History, Provenance, Stretch
from orchestrator.results.trial_state import TrialState

#: What the order of floating-point sums depends on beside the cell: facts of a provenance, and their names.
ORDER = {
    "torch": "PyTorch",
    "cuda": "CUDA",
    "device": "device",
    "processor": "processor",
    "threads": "threads",
    "precision": "precision",
    "kernels": "kernels",
}
_NAMED = 4
_LONGEST = 80


def extended(stretches: Sequence[Stretch], epoch: int, pack: list[str], facts: Provenance) -> list[Stretch]:
    """With one more epoch, which was computed in `pack` and as `facts` say."""
    if stretches and stretches[-1]["pack"] == pack and stretches[-1]["provenance"] == facts:
        return [*stretches[:-1], {**stretches[-1], "last": epoch}]
    return [*stretches, {"first": epoch, "last": epoch, "pack": pack, "provenance": facts}]


def history(epochs: list[EpochRecord], stretches: Sequence[Stretch]) -> History:
    """What a trial's history file says of these epochs."""
    last = stretches[-1]
    said: History = {"pack": last["pack"], "provenance": last["provenance"], "epochs": epochs}
    return {**said, "stretches": [*stretches]} if len(stretches) > 1 else said


def stretches_of(record: Mapping[str, Any]) -> list[Stretch]:
    """The stretches of a history, a checkpoint's notes or a result, in order; forged ones are as none."""
    said = record.get("stretches")
    if isinstance(said, list) and said and all(map(_is_stretch, said)):
        return [{**cast(Stretch, one), "provenance": facts_of(one.get("provenance"))} for one in said]
    pack, facts = record.get("pack") or [], facts_of(record.get("provenance"))
    epochs = record.get("epochs")
    if not isinstance(epochs, list):
        last = int(record.get("epochs_run") or 0)  # of a result; whoever has nothing has none
        return [{"first": 1, "last": last, "pack": pack, "provenance": facts}] if last else []
    # An old history's provenance is of those that came last; of the others an epoch says these two.
    runs = [[*run] for _, run in groupby(epochs, lambda e: (e.get("device"), e.get("replicas")))]
    made: list[Stretch] = [
        {
            "first": run[0]["epoch"],
            "last": run[-1]["epoch"],
            "pack": [],
            "provenance": facts_of({"device": run[0].get("device")}),
        }
        for run in runs
    ]
    if made:
        made[-1] |= {"pack": pack, "provenance": facts or made[-1]["provenance"]}
    return made


def other_data(record: Mapping[str, Any], fingerprints: Collection[str]) -> str | None:
    """The fingerprint of data that a record's epochs were trained on and that are none of these.

    `record`: as of `stretches_of`. None where it says none, as files of old versions.
    """
    said = [one["provenance"].get("data") for one in stretches_of(record)] if fingerprints else []
    return next((data for data in said if data and data not in fingerprints), None)


def until(stretches: Iterable[Stretch], epoch: int) -> list[Stretch]:
    """What is left of them where a trial goes back to an epoch."""
    return [{**one, "last": min(one["last"], epoch)} for one in stretches if one["first"] <= epoch]


def difference(before: Stretch, after: Stretch, keys: Iterable[str] = (*ORDER, "pack")) -> list[str]:
    """'threads 2 instead of 1', 'a pack of 2 instead of 5': what is known of both and differs."""
    found = [
        f"{ORDER[key]} {_quoted(new)} instead of {_quoted(old)}"
        for key in keys
        if (old := before["provenance"].get(key)) and (new := after["provenance"].get(key)) and old != new
    ]
    old_pack, new_pack = set(before["pack"]), set(after["pack"])
    if "pack" in keys and old_pack and new_pack and old_pack != new_pack:
        alike = len(old_pack) == len(new_pack)
        found.append(
            "a pack with other seeds" if alike else f"a pack of {len(new_pack)} instead of {len(old_pack)}"
        )
    return found


def changes(stretches: Sequence[Stretch]) -> list[str]:
    """'from epoch 4 on threads 2 instead of 1', for each change in a trial's middle."""
    return [
        f"from epoch {after['first']} on {enumerated(found)}"
        for before, after in pairwise(stretches)
        if (found := difference(before, after))
    ]


def changed(states: Iterable[TrialState]) -> str | None:
    """What changed in the middle of trials, in a sentence; None where nothing did.

    `states`: from a scan that kept the histories, or those of unfinished trials at least.
    """
    counts: Counter[str] = Counter()
    for state in states:
        stretches = stretches_of({**(state.result or state.history or {})})
        counts.update({found for one in pairwise(stretches) for found in difference(*one)})
    if not counts:
        return None
    return f"Not every trial was computed in one way from beginning to end: {in_trials(counts)}."


def in_trials(counts: Counter[str]) -> str:
    """'threads 2 instead of 1 in 3 trials; …', the most frequent first."""
    named = [f"{what} in {count(trials)}" for what, trials in counts.most_common(_NAMED)]
    more = [f"and {len(counts) - _NAMED} more such changes"] if len(counts) > _NAMED else []
    return "; ".join([*named, *more])


def facts_of(facts: object) -> Provenance:
    """What a file says under `provenance`, held to its type."""
    known = facts if isinstance(facts, Mapping) else {}
    return {name: value for name, value in known.items() if value is None or isinstance(value, str)}


def _is_stretch(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    first, last, pack = value.get("first"), value.get("last"), value.get("pack")
    return (
        type(first) is int
        and type(last) is int
        and 1 <= first <= last
        and isinstance(pack, list)
        and all(isinstance(one, str) for one in pack)
    )


def _quoted(value: str) -> str:
    short = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return f"“{short}”" if " " in short else short
