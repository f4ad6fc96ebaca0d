"""A made-up sweep on a disk: `python -m tests.helpers.synthetic FOLDER [fig1|full|gsearch|demo] [seeds]`.

The errors are invented for testing alone: BN's error grows as batches shrink, GN's does not, seeds share
part of their noise as paired seeds do.
"""

import math
import random
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from orchestrator.grid.blocks import Block, Grid
from orchestrator.grid.parse import find
from orchestrator.grid.trial import Trial
from orchestrator.results.records import EpochRecord, Result
from orchestrator.results.store import Store

BEGUN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
EXTRA = {"bn": {32: 0.0, 16: 0.1, 8: 0.3, 4: 1.6, 2: 6.0}, "gn": {32: 0.5, 16: 0.6, 8: 0.6, 4: 0.5, 2: 0.5}}
#: An archive with nothing in it.
NO_WEIGHTS = b"PK\5\6" + bytes(18)
BY_GROUPS = {8: 0.0, 4: 0.4, 2: 2.2}


def error_of(trial: Trial) -> float:
    """The error in percent that the synthetic trial ends with."""
    shared = random.Random(f"seed {trial.seed}").gauss(0, 0.2)
    own = random.Random(f"{trial.trial_id}").gauss(0, 0.18)
    extra = EXTRA.get(trial.norm, EXTRA["gn"]).get(trial.batch_size, 0.0)
    return round(13.6 + extra + BY_GROUPS.get(trial.groups or 8, 1.0) + shared + own, 4)


def write_sweep(
    folder: str,
    trials: Iterable[Trial] | None = None,
    *,
    grid: str = "fig1",
    seeds: int | None = None,
    status: Callable[[Trial], str] = lambda trial: "done",
    error: Callable[[Trial], float] = error_of,
    epochs: int | None = None,
    name: str | None = None,
    workers: int = 4,
) -> str:
    """Declare `trials` (or those of a shipped grid) in `folder` and write what `status` says of each.

    `status`: done, diverged, failed, partial or missing. `epochs`: entries of each history.
    """
    chosen = list(trials) if trials is not None else _of_grid(grid, seeds)
    store = Store(folder)
    store.declare(
        name or grid,
        chosen,
        description="Synthetic results, for tests.",
        data={chosen[0].dataset: {"fingerprint": "0" * 12, "train_size": 50_000, "test_size": 10_000}},
        provenance={
            "product": "0.1.0",
            "commit": "0123456789ab",
            "python": "3.11.2",
            "torch": "2.11.0",
            "ray": "2.60.0",
            "cuda": None,
            "device": "cpu",
            "host": "host",
            "command": f"python -m orchestrator.run --grid {grid}",
        },
    )
    packs: dict[Any, list[Trial]] = {}
    for trial in chosen:
        packs.setdefault(trial.spec, []).append(trial)
    free = [BEGUN] * workers
    for pack in packs.values():
        worker = free.index(min(free))
        free[worker] = _write_pack(
            store,
            pack,
            free[worker],
            worker=f"host/{4000 + worker}",
            status=status,
            error=error,
            epochs=epochs,
        )
    return folder


def declare_facts(folder: str, **facts: Any) -> str:
    """Add facts to the sweep.json in `folder`, as a run would have left them."""
    files = Store(folder).files
    sweep = {k: v for k, v in (files.read_json("sweep.json") or {}).items() if k != "sha256"}
    files.write_json("sweep.json", {**sweep, **facts})
    return folder


def _of_grid(grid: str, seeds: int | None) -> list[Trial]:
    found = find(grid)
    if seeds is not None:
        blocks = tuple(
            block.model_copy(update={"seeds": tuple(range(1, seeds + 1))}) for block in found.blocks
        )
        found = Grid(name=found.name, blocks=blocks)
    return found.trials()


def _write_pack(
    store: Store,
    pack: list[Trial],
    begun: datetime,
    *,
    worker: str,
    status: Callable[[Trial], str],
    error: Callable[[Trial], float],
    epochs: int | None,
) -> datetime:
    ids = [trial.trial_id for trial in pack]
    length = epochs or pack[0].epochs or 100
    seconds = length * (4.0 + 60.0 / pack[0].batch_size)
    ended = begun + timedelta(seconds=seconds)
    store.open([trial for trial in pack if status(trial) != "missing"])
    for trial in pack:
        what = status(trial)
        if what == "missing":
            continue
        final = error(trial)
        run = length if what == "done" else max(1, length // 3)
        entries = [
            _entry(trial, e, length, final=final, begun=begun, seconds=seconds / length, worker=worker)
            for e in range(1, run + 1)
        ]
        if what == "diverged":
            entries[-1] = {**entries[-1], "train_loss": None, "train_error": None, "test_error": 90.0}
        store.write_history(trial.trial_id, {"pack": ids, "epochs": entries})
        if what == "failed":
            store.write_failure(
                trial.trial_id,
                {
                    "attempts": 3,
                    "error": "RuntimeError: made up",
                    "traceback": "…",
                    "time": ended.isoformat(),
                },
            )
        elif what == "partial":
            store.write_checkpoint(trial.trial_id, run, b"")
        else:
            result = _result(
                trial,
                what,
                entries,
                begun=begun,
                ended=ended,
                seconds=seconds,
                ids=ids,
                worker=worker,
                length=length,
            )
            store.write_weights(trial.trial_id, NO_WEIGHTS)
            store.write_result(trial.trial_id, result)
    return ended


def _entry(
    trial: Trial, epoch: int, length: int, *, final: float, begun: datetime, seconds: float, worker: str
) -> EpochRecord:
    noise = random.Random(f"{trial.trial_id} {epoch}").gauss(0, 0.6)
    progress = epoch / length
    left = (math.exp(-6 * progress) - math.exp(-6)) * 50 + (1 - progress) * noise
    judged = round(min(90.0, final + left), 3)
    return {
        "epoch": epoch,
        "learning_rate": 0.1 * trial.batch_size / 32 / 10 ** int(progress * 3.3),
        "train_loss": round(0.05 + left / 25, 4),
        "train_error": round(max(0.0, judged - 8 * progress), 3),
        "test_error": None if trial.holdout else judged,
        "val_error": judged if trial.holdout else None,
        "seconds": round(seconds, 3),
        "images_per_second": round(250_000 / seconds, 1),
        "ended": begun.timestamp() + epoch * seconds,
        "worker": worker,
        "device": "cpu",
    }


def _result(
    trial: Trial,
    what: str,
    entries: list[EpochRecord],
    *,
    begun: datetime,
    ended: datetime,
    seconds: float,
    ids: list[str],
    worker: str,
    length: int,
) -> Result:
    done = what == "done"
    judged: Literal["val_error", "test_error"] = "val_error" if trial.holdout else "test_error"
    measured: dict[str, Any] = dict.fromkeys(
        ["test_error", "test_error_median5", "val_error", "val_error_median5"]
    )
    if done:
        five = sorted(entry[judged] or 0.0 for entry in entries[-5:])
        measured |= {judged: entries[-1][judged], f"{judged}_median5": five[len(five) // 2]}
    identity = {k: v for k, v in trial.identity.items() if k != "protocol"}
    result = {
        "trial_id": trial.trial_id,
        "status": what,
        **identity,
        **measured,
        "train_error": entries[-1]["train_error"],
        "train_loss": entries[-1]["train_loss"],
        "epochs_run": len(entries),
        "diverged_at": None if done else len(entries),
        "train_seconds": seconds / len(ids),
        "pack_seconds": seconds,
        "images_per_second": 250_000 * length / seconds,
        "pack": ids,
        "started": begun.isoformat(),
        "finished": ended.isoformat(),
        "worker": worker,
        "device": "cpu",
        "provenance": {"product": "0.1.0", "commit": "0123456789ab", "python": "3.11.2", "torch": "2.11.0",
                       "ray": "2.60.0", "cuda": None, "device": "cpu", "host": "host"},
    }  # fmt: skip
    return cast(Result, result)


def block(**changes: Any) -> list[Trial]:
    """The trials of one block on CIFAR-10 with two epochs, unless `changes` say otherwise."""
    fields: dict[str, Any] = {"norm": "bn", "batch_size": 32, "epochs": 2, "seeds": 3, **changes}
    return list(Block(**fields).trials())


if __name__ == "__main__":
    write_sweep(
        sys.argv[1],
        grid=sys.argv[2] if len(sys.argv) > 2 else "fig1",
        seeds=int(sys.argv[3]) if len(sys.argv) > 3 else None,
    )
