"""A Ray ResultGrid in hand, read by its shape alone: analysis never imports Ray.

One Tune trial is one pack. Its last report carries the finished results of every trial in the pack;
earlier reports carry an epoch's figures. A pack that ended in an error may hold neither, and its trials
are then known only from its configuration.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

import pandas as pd

from analysis.sources.frame import IDENTITY, Row
from model.errors import last_line
from orchestrator.results.codes import codes_said, label


class ResultGrid(Protocol):
    """What is used of a ray.tune.ResultGrid."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> object: ...
    def get_dataframe(self) -> pd.DataFrame: ...


def is_result_grid(source: object) -> TypeGuard[ResultGrid]:
    """Whether it walks and quacks like a ray.tune.ResultGrid."""
    return hasattr(source, "get_dataframe") and hasattr(source, "__getitem__") and hasattr(source, "__len__")


def read(grid: ResultGrid) -> tuple[str, list[Row], list[Row]]:
    """(name, a row per trial, a row per trial and epoch). The epochs are those that Ray kept."""
    rows: dict[str, Row] = {}
    epochs: list[Row] = []
    path = str(getattr(grid, "experiment_path", "") or "ray")
    for index in range(len(grid)):
        result = grid[index]
        for row in _pack_rows(result):
            known = rows.get(row["trial_id"])
            if known is None or known["status"] not in {"done", "diverged"}:  # a retry may have finished it
                rows[row["trial_id"]] = {**row, "source": path}
        epochs += _epochs(result)
    return path.rstrip("/").rsplit("/", 1)[-1], list(rows.values()), epochs


def _pack_rows(result: object) -> list[Row]:
    metrics = getattr(result, "metrics", None)
    metrics = metrics if isinstance(metrics, Mapping) else {}
    error = getattr(result, "error", None)
    finished, replicas = _finished(metrics.get("trials")), _mapping(metrics.get("replicas"))
    configured = _configured(getattr(result, "config", None))
    rows = []
    for trial_id in dict.fromkeys([*finished, *replicas, *configured]):
        outcome = _mapping(finished.get(trial_id))
        identity = {k: v for k, v in configured.get(trial_id, {}).items() if k in IDENTITY}
        row: Row = {**identity, **outcome, "trial_id": trial_id, "declared": True}
        row["pack_size"] = len(finished) or len(replicas) or len(configured)
        if outcome:
            row["status"] = "diverged" if outcome.get("status") == "diverged" else "done"
            row["commit"] = _mapping(outcome.get("provenance")).get("commit")
            row["code"] = label(codes_said(outcome.get("code")))
        else:
            row["status"] = "failed" if error else "partial" if trial_id in replicas else "missing"
            row["failure"] = last_line(str(error)) or None if error else None
            row["epochs_run"] = metrics.get("epoch")
        rows.append(row)
    return rows


def _finished(trials: object) -> Mapping[str, Any]:
    """Results by trial id, of a list or of a mapping, as older grids have them."""
    if isinstance(trials, list):
        return {str(one["trial_id"]): one for one in trials if isinstance(one, Mapping) and "trial_id" in one}
    return _mapping(trials)


def _of_pack(config: Mapping[str, Any]) -> dict[str, Row]:
    """Identities in the configuration of a pack of ours: of what its replicas differ in it has lists."""
    identities: dict[str, Row] = {}
    for place, (seed, trial_id) in enumerate(zip(config["seeds"], config["trial_ids"], strict=True)):
        own = {k: v[place] if isinstance(v, list) else v for k, v in config.items() if k in IDENTITY}
        identities[str(trial_id)] = {**own, "seed": seed}
    return identities


def _configured(config: object) -> dict[str, Row]:
    """Identities in a pack's configuration, wherever in it they lie."""
    identities: dict[str, Row] = {}
    if isinstance(config, Mapping) and isinstance(config.get("trial_ids"), list):
        return _of_pack(config)
    if isinstance(config, Mapping):
        for key, value in config.items():
            if isinstance(value, Mapping) and {"norm", "batch_size", "seed"} <= set(value):
                identities[str(value.get("trial_id", key))] = dict(value)
            else:
                identities |= _configured(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            if isinstance(value, Mapping) and {"norm", "batch_size", "seed", "trial_id"} <= set(value):
                identities[str(value["trial_id"])] = dict(value)
            elif isinstance(value, Mapping):
                identities |= _configured(value)
    return identities


def _epochs(result: object) -> list[Row]:
    """The figures of every epoch, from the table of reports, whose nested keys Ray joins with '/'."""
    table = getattr(result, "metrics_dataframe", None)
    if table is None:
        return []
    epochs: list[Row] = []
    for record in table.to_dict("records"):
        entries: dict[str, Row] = {}
        for key, value in record.items():
            parts = str(key).split("/")
            if len(parts) == 3 and parts[0] == "replicas" and not pd.isna(value):
                entries.setdefault(parts[1], {})[parts[2]] = value
        epochs += [{**entry, "trial_id": trial_id} for trial_id, entry in entries.items()]
    return epochs


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
