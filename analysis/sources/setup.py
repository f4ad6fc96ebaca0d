"""How the finished trials of a sweep were made, as far as its files say.

Every fact is counted over trials, because a sweep that went on after an update or on another machine has two
values of it, and a methods section that names one of them is wrong.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.sources.frame import counted
from analysis.sources.load import Sweep
from model.spec import AXES

#: Value -> trials, the most frequent first.
Counts = dict[Any, int]
#: What the trials of one sweep may have recorded beside their axes.
FACTS = (
    *("product", "commit", "code", "python", "torch", "ray", "cuda", "processor", "threads", "precision"),
    *("kernels", "host"),
)


@dataclass(frozen=True)
class Setup:
    """`trials`: with a result. `axes`: by axis; `facts`: by name in FACTS; an unrecorded value is not
    counted, so the counts may add up to fewer than the trials. `devices`: what trained, over all epochs of a
    trial. `within`: the facts that differ within a cell. `changed`: trials whose pack, machine, threads or
    kernels changed in their middle. `packs`: seeds trained together. `data`: data set -> what the sweep
    declared of it."""

    trials: int
    declared: int
    diverged: int
    lines: dict[tuple[str, int | None], tuple[int, ...]]
    seeds: tuple[int, ...]
    axes: dict[str, Counts]
    facts: dict[str, Counts]
    within: frozenset[str]
    changed: int
    devices: Counts
    packs: Counts
    protocols: Counts
    data: dict[str, Mapping[str, Any]]

    def unrecorded(self, counts: Counts) -> int:
        """Trials of which nothing is counted."""
        return self.trials - sum(counts.values())


def setup(sweep: Sweep) -> Setup:
    """The setup of the trials of `sweep` that count and are done or diverged."""
    frame = counted(sweep.frame)
    frame = frame[frame["status"].isin(["done", "diverged"])]
    ids = set(frame["trial_id"])
    own = [p for p in sweep.provenance if p.get("trial_id") in ids]
    data = sweep.facts.get("data")
    return Setup(
        trials=len(frame),
        declared=int(sweep.frame["declared"].sum()),
        diverged=int((frame["status"] == "diverged").sum()),
        lines=_lines(frame),
        seeds=tuple(sorted(int(seed) for seed in frame["seed"].dropna().unique())),
        axes={name: _counts(frame[name]) for name in AXES},
        facts={
            **{name: _counts(_throughout(own, name)) for name in FACTS},
            "commit": _counts(frame["commit"]),
        },
        within=_within_cells(own),
        changed=len({p["trial_id"] for p in own if p.get("changes")}),
        devices=_devices(frame, sweep.history if sweep.periods is None else sweep.periods),
        packs=_counts(frame["pack_size"]),
        protocols=_counts(protocol for i, protocol in sweep.protocols.items() if i in ids),
        data={str(k): v for k, v in data.items() if isinstance(v, Mapping)} if isinstance(data, dict) else {},
    )


def _lines(frame: pd.DataFrame) -> dict[tuple[str, int | None], tuple[int, ...]]:
    """(norm, G) -> batch sizes, large first, in the order of the frame."""
    sizes: dict[tuple[str, int | None], set[int]] = {}
    known = frame[frame["norm"].notna() & frame["batch_size"].notna()]
    for norm, groups, size in zip(known["norm"], known["groups"], known["batch_size"], strict=True):
        key = (str(norm), None if pd.isna(groups) else int(groups))
        sizes.setdefault(key, set()).add(int(size))
    return {line: tuple(sorted(own, reverse=True)) for line, own in sizes.items()}


def _counts(values: Iterable[Any]) -> Counts:
    """Of what a file of ours may hold; anything else counts as not recorded."""
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    counted = Counter(v for v in plain if isinstance(v, (str, int, float)) and v != "" and str(v) != "nan")
    return dict(sorted(counted.items(), key=lambda item: (-item[1], str(item[0]))))


def _throughout(provenance: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """By trial, all that a fact was over its epochs: one that went on with 2 threads had “1 then 2”."""
    values: dict[str, dict[str, None]] = {}
    for one in provenance:
        if one.get(name):
            values.setdefault(one["trial_id"], {})[str(one[name])] = None
    return [" then ".join(own) for own in values.values()]


def _within_cells(provenance: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The facts of which some cell's trials have more than one value."""
    values: dict[tuple[str, str], set[str]] = {}
    for one in provenance:
        for name in FACTS:
            if one.get(name):
                values.setdefault((str(one.get("cell")), name), set()).add(str(one[name]))
    return frozenset(name for (_, name), own in values.items() if len(own) > 1)


def _devices(frame: pd.DataFrame, epochs: pd.DataFrame) -> Counts:
    """By trial, all that its epochs ran on: one that moved from one GPU to another names both."""
    epochs = epochs[epochs["trial_id"].isin(frame["trial_id"])].dropna(subset=["device"])
    moved = {i: " then ".join(dict.fromkeys(own)) for i, own in epochs.groupby("trial_id")["device"]}
    return _counts(
        moved.get(trial_id, device)
        for trial_id, device in zip(frame["trial_id"], frame["device"], strict=True)
    )
