"""The JSON files of a results folder, as types: what they are once `store` has checked what it read."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

#: Versions, commit, device and host by name: see `orchestrator.results.provenance`.
Provenance = dict[str, str | None]
#: A trial's identity: see `orchestrator.grid.trial`. Values are JSON scalars.
Identity = dict[str, Any]


class EpochRecord(TypedDict):
    """One finished epoch of one trial. Errors in percent, None where they are not finite or were not taken.

    `seconds` and `images_per_second`: of the whole pack. `replicas`: trained together in this epoch; absent
    in old files. `ended`: Unix seconds. `code`: digest of the source that trained it; absent in old files.
    """

    epoch: int
    learning_rate: float
    train_loss: float | None
    train_error: float | None
    test_error: float | None
    val_error: float | None
    seconds: float
    replicas: NotRequired[int]
    images_per_second: float
    ended: float
    worker: str
    device: str
    code: NotRequired[str]


class History(TypedDict):
    """history.json, and the notes beside final weights. `pack`: trial ids; `epochs`: in order.

    `trial_id`: whose it is; absent in old files.
    """

    trial_id: NotRequired[str]
    pack: list[str]
    provenance: NotRequired[Provenance]
    epochs: list[EpochRecord]


class Failure(TypedDict):
    """failure.json. `error`: one line. `time`: ISO 8601."""

    attempts: int
    error: str
    traceback: str
    time: str


class Result(TypedDict):
    """result.json: the columns of results.csv. Beside these it has every field of the trial's identity.

    `code`: digests of the source that trained its epochs, in order, None for epochs that do not say; absent
    in old files.
    """

    trial_id: str
    status: str
    test_error: float | None
    test_error_median5: float | None
    val_error: float | None
    val_error_median5: float | None
    train_error: float | None
    train_loss: float | None
    epochs_run: int
    diverged_at: int | None
    train_seconds: float
    pack_seconds: float
    images_per_second: float | None
    pack: list[str]
    started: str
    finished: str
    worker: str
    device: str
    provenance: Provenance
    code: NotRequired[list[str | None]]


class DataFacts(TypedDict):
    """What a sweep.json keeps of a data set. `image`: channels, height, width. `listing`: see DataInfo."""

    fingerprint: str
    train_size: int
    test_size: int
    classes: NotRequired[int]
    image: NotRequired[list[int]]
    listing: NotRequired[str]


class RunRecord(TypedDict):
    """What one run meant to do. `begun`: Unix seconds; `estimate_seconds`: None where it was not known."""

    begun: float
    estimate_seconds: float | None
    trials: int
    packs: int
    slots: int
    cpus_per_pack: float
    gpus_per_pack: float


class CodeRecord(TypedDict):
    """Of the codes that trained here: those that may stand side by side, because somebody said so, and the
    digest of each file of each, by path."""

    accepted: list[str]
    files: dict[str, Mapping[str, str]]


class SweepRecord(TypedDict):
    """sweep.json. `data`: by data set; `trials`: identities by trial id. Dates are ISO 8601.

    `code`: absent in old files.
    """

    format: int
    name: str
    description: str
    created: str
    updated: str
    data: dict[str, DataFacts]
    provenance: Provenance
    runs: list[RunRecord]
    code: NotRequired[CodeRecord]
    trials: dict[str, Identity]


class LockNote(TypedDict, total=False):
    """lock.json: who holds the folder; see `orchestrator.results.lock`. A damaged one is empty."""

    token: str
    host: str
    pid: int
    process: str | None
    machine: str | None
    command: str
    started: str
    beat: int
    time: float
    running: list[str]
