"""The JSON files of a results folder, as types: what they are once `store` has checked what it read.

What says which code and what machine trained is checked where it is read: forged, it makes nothing known,
and the rest of its file is as good as before.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator, Field, SkipValidation
from typing_extensions import TypedDict

from model.norm_table import Statistics
from model.spec import AXES

#: A whole number that a table can hold beside fractions, which tell whole numbers apart up to here.
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Count = Annotated[int, Field(ge=0, le=2**53)]
#: A number of 64 bits that is neither infinite nor NaN; JSON writes 1.0 as it likes.
Real = Annotated[float, Field(ge=-1e300, le=1e300)]
Positive = Annotated[float, Field(gt=0, le=1e300)]
#: Percent.
Share = Annotated[float, Field(ge=0, le=100)]
#: Seconds since 1970, up to the year 9999.
Moment = Annotated[float, Field(ge=0, le=253_402_000_000)]


def _identity(values: dict[str, object]) -> dict[str, object]:
    """What the axes of any version have in common: a norm's name, and sizes that are sizes."""
    for name in ("norm", "batch_size", "seed"):
        if not isinstance(values.get(name), str if name == "norm" else int):
            raise ValueError(f"{name} is wanting")
    for name, value in values.items():
        least = (AXES[name].least if name in AXES else None) or 0
        if isinstance(value, int | float) and value < least:
            raise ValueError(f"{name} is {value}")
    return values


def _margin(text: str) -> str:
    """A number, or one with a percent sign."""
    if not 0 < float(text.removesuffix("%")) < 100:
        raise ValueError(f"margin is {text}")
    return text


#: Versions, commit, device and host by name: see `orchestrator.results.provenance`.
Provenance = dict[str, str | None]
#: A trial's identity: see `orchestrator.grid.trial`. Values are JSON scalars.
Identity = Annotated[dict[str, str | bool | Whole | Real | None], AfterValidator(_identity)]


class EpochRecord(TypedDict):
    """One finished epoch of one trial. Errors in percent, None where they are not finite or were not taken.

    `seconds` and `images_per_second`: of the whole pack. `replicas`: trained together in this epoch; absent
    in old files. `ended`: Unix seconds. `code`: digest of the source that trained it; absent in old files.
    """

    epoch: Count
    learning_rate: Real
    train_loss: Real | None
    train_error: Share | None
    test_error: Share | None
    val_error: Share | None
    seconds: Real
    replicas: NotRequired[Count]
    images_per_second: Real
    ended: Moment
    worker: str
    device: str
    code: NotRequired[SkipValidation[str]]


class Stretch(TypedDict):
    """Epochs `first` to `last` of a trial, computed in one way: `pack`, trial ids, empty where not known."""

    first: int
    last: int
    pack: list[str]
    provenance: Provenance


class History(TypedDict):
    """history.json, and the notes beside final weights. `pack`: trial ids; `epochs`: in order.

    `trial_id`: whose it is; absent in old files. `pack` and `provenance` are of the last epoch; `stretches`
    of all, where they were not computed in one way: see `orchestrator.results.stretches`.
    """

    trial_id: NotRequired[str]
    pack: list[str]
    provenance: NotRequired[SkipValidation[Provenance]]
    stretches: NotRequired[SkipValidation[list[Stretch]]]
    epochs: list[EpochRecord]


class Failure(TypedDict, total=False):
    """failure.json. `error`: one line. `time`: ISO 8601."""

    attempts: Count
    error: str
    traceback: str
    time: str


class Result(TypedDict):
    """result.json: the columns of results.csv. Beside these it has every field of the trial's identity.

    `code`: digests of the source that trained its epochs, in order, None for epochs that do not say; absent
    in old files. `pack`, `provenance`, `stretches`: as in a History.
    """

    trial_id: str
    status: Literal["done", "diverged"]
    test_error: Share | None
    test_error_median5: Share | None
    val_error: Share | None
    val_error_median5: Share | None
    train_error: Share | None
    train_loss: Real | None
    epochs_run: Count
    diverged_at: Count | None
    train_seconds: Real
    pack_seconds: Real
    images_per_second: Real | None
    pack: list[str]
    started: str
    finished: str
    worker: str
    device: str
    provenance: SkipValidation[Provenance]
    stretches: NotRequired[SkipValidation[list[Stretch]]]
    code: NotRequired[SkipValidation[list[str | None]]]


class EvaluationRecord(TypedDict):
    """What one trial's final weights say of some images: see `orchestrator.results.evaluations`.

    `weights`: SHA-256 of weights.pt. `data`: fingerprint of the images' data set. `split`: which of its
    images, "images" for those of another set. `batch_size`: of statistics "batch", else None. `images`: how
    many; `wrong`: of them. `loss`: mean cross-entropy. `error` and `loss` are None where the network gives no
    finite numbers. `stored_error`: of the trial's result, `found_error`: what these weights gave on the same
    images. `predictions`: the class of each image in order, base64 of uint8, or of little-endian uint16 where
    there are more than 256 `classes`.
    """

    format: Literal[1]
    trial_id: str
    weights: str
    data: str
    split: Literal["test", "validation", "train", "images"]
    statistics: Statistics
    batch_size: Count | None
    images: Annotated[int, Field(ge=1, le=2**31)]
    classes: Annotated[int, Field(ge=2, le=2**16)]
    wrong: Count
    error: Share | None
    loss: Real | None
    stored_error: Share
    found_error: Share
    predictions: str
    provenance: NotRequired[SkipValidation[Provenance]]


class LabelsRecord(TypedDict):
    """The true class of each image that networks were asked about: see `orchestrator.results.labels`.

    `data`, `split`, `images`, `classes`: as in an EvaluationRecord. `labels`: in the order of the images, as
    its `predictions`.
    """

    format: Literal[1]
    data: str
    split: Literal["test", "validation", "images"]
    images: Annotated[int, Field(ge=1, le=2**31)]
    classes: Annotated[int, Field(ge=2, le=2**16)]
    labels: str


class DataFacts(TypedDict):
    """What a sweep.json keeps of a data set. `image`: channels, height, width. `listing`: see DataInfo.

    `flip`: whether images are mirrored; `border`: pixels of black around them before the random crop.
    """

    fingerprint: str
    train_size: Count
    test_size: Count
    classes: NotRequired[Count]
    image: NotRequired[list[Count]]
    listing: NotRequired[str]
    flip: NotRequired[bool]
    border: NotRequired[Count]


class SharingRecord(TypedDict):
    """How packs share a GPU, as a run has timed it. `device`: its name; `gains`: by number of packs, the
    images that they train at once over one after another; `end`: why no more were timed; `cells`: of the
    sweep, as far as that depends on them."""

    device: str
    gains: dict[str, Real]
    end: str | None
    cells: list[str]


class KernelsRecord(TypedDict):
    """Whose kernels compute on a GPU, as a run has timed them. `device`: its name; `chosen`: "ours", "aside"
    or "torch" by kind of cell, the rule's where none was timed; `rates`: of each kind, as far as it was
    timed, training images per second by kernels."""

    device: str
    chosen: dict[str, str]
    rates: dict[str, dict[str, Real]]


class RunRecord(TypedDict):
    """What one run meant to do. `begun`: Unix seconds; `estimate_seconds`: None where it was not known."""

    begun: Moment
    estimate_seconds: Real | None
    trials: Count
    packs: Count
    slots: Count
    cpus_per_pack: Real
    gpus_per_pack: Real
    sharing: NotRequired[SharingRecord]
    kernels: NotRequired[KernelsRecord]


class CodeRecord(TypedDict):
    """Of the codes that trained here: those that may stand side by side, because somebody said so, and the
    digest of each file of each, by path."""

    accepted: list[str]
    files: dict[str, Mapping[str, str]]


class StoppingRule(TypedDict):
    """By which seeds are added to a sweep as results come in, all to the same cells of the same grid.

    `until_ci`: until each comparison's interval reaches ± so many points, None where that is not asked;
    `until_decided`: until each is decided. Of every cell `first_seeds` to `max_seeds`, in steps of `step`;
    `max_hours`: of training, as results have it, None for no limit.
    """

    until_ci: Positive | None
    until_decided: bool
    first_seeds: Count
    step: Count
    max_seeds: Count
    max_hours: Positive | None


class AnalysisPlan(TypedDict):
    """How a sweep is to be analysed. `measure`, `margin` (“1”, “5%”), `base` and `x` as a command line has
    them; `stopping`: None where the grid alone says how many seeds there are. `claims`: of which kinds, and
    `at`: differences at which values of x, None for all; both absent where no grid said them."""

    measure: Literal["last", "median5"]
    margin: Annotated[str, AfterValidator(_margin)]
    base: str
    x: str
    correction: Literal["holm"]
    stopping: StoppingRule | None
    claims: NotRequired[list[Literal["difference", "change", "constancy"]]]
    at: NotRequired[list[str | Whole | Real] | None]


class PlanVersion(TypedDict):
    """A plan of the analysis and when it was written down. `results`: trials that had a result by then;
    `sha256`: of the plan, see `orchestrator.results.analysis_plan`."""

    written: str
    results: Count
    sha256: str
    plan: AnalysisPlan


class CandidateRecord(TypedDict):
    """What a search may choose: `values` by axis. `search`: trial ids, on the hold-out; `final`: those on
    everything, should it win."""

    values: dict[str, str | bool | Whole | Real | None]
    search: list[str]
    final: list[str]


class TuningRecord(TypedDict):
    """The searches of a sweep, each its candidates. `beside`: ids of the trials that no search decides on."""

    searches: list[list[CandidateRecord]]
    beside: list[str]


class SweepRecord(TypedDict):
    """sweep.json. `data`: by data set; `trials`: identities by trial id. Dates are ISO 8601.

    `code`: absent in old files. `analysis`: every version of the plan, the last one last; absent where nobody
    made one. `tuning`: of a sweep that searches, written before its first trial.
    """

    format: Literal[1]
    name: str
    description: NotRequired[str]
    created: NotRequired[str]
    updated: str
    data: NotRequired[dict[str, DataFacts]]
    provenance: NotRequired[Provenance]
    runs: NotRequired[list[RunRecord]]
    code: NotRequired[SkipValidation[CodeRecord]]
    analysis: NotRequired[SkipValidation[list[PlanVersion]]]
    tuning: NotRequired[SkipValidation[TuningRecord]]
    trials: dict[str, Identity]


class LockNote(TypedDict, total=False):
    """lock.json: who holds the folder; see `orchestrator.results.lock`. A damaged one is empty."""

    token: str
    host: str
    pid: Whole
    process: str | None
    machine: str | None
    command: str
    started: str
    beat: Count
    time: Real
    running: list[str]
