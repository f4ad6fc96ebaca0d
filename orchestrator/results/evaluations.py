"""What stored weights were found to say of some images, kept beside the trials.

    evaluations/<trial_id>/<split>-<statistics>-<12 hex digits>.json

The digits are of what the numbers follow from: the trial, the SHA-256 of its weights, the images'
fingerprint, the statistics that its norms took, and by which rule. So what is there need not be computed
again, weights that changed have other files, and a reader sees where a file is not what its name says.
Nothing of a sweep depends on these files: they may be removed, and no run waits for them.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from model.norm_table import Statistics
from orchestrator.results.files import Files
from orchestrator.results.records import EvaluationRecord
from orchestrator.results.shapes import holds
from orchestrator.results.store import CHUNK
from orchestrator.results.trial_state import TrialState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "evaluations"
#: Raised when evaluation itself changes meaning: another order of images, other batches of PreciseBN.
RULE = 1
_NAME = re.compile(r"[a-z]+-[a-z]+-[0-9a-f]{12}\.json")


class Question(NamedTuple):
    """What is asked of one trial's weights; see `EvaluationRecord` for the fields."""

    trial_id: str
    weights: str
    data: str
    split: str
    statistics: Statistics
    batch_size: int | None

    @property
    def name(self) -> str:
        """The name of the file that holds the answer."""
        canonical = json.dumps({"rule": RULE, **self._asdict()}, sort_keys=True, separators=(",", ":"))
        key = hashlib.sha256(canonical.encode()).hexdigest()[:12]
        return f"{FOLDER}/{self.trial_id}/{self.split}-{self.statistics}-{key}.json"


def write(files: Files, record: EvaluationRecord) -> None:
    """Raises StorageError."""
    files.write_json(_question(record).name, record)


def whole_ones(files: Files) -> tuple[dict[str, EvaluationRecord], list[str]]:
    """All evaluations that are what their names say, by name in order; and the names of the others."""
    records: dict[str, EvaluationRecord] = {}
    damaged = []
    for name, value in _parsed(files, sorted(_names(files))):
        record = whole(name, value)
        if record is None:
            damaged.append(name)
        else:
            records[name] = record
    return records, damaged


def read(files: Files, states: Mapping[str, TrialState]) -> tuple[list[dict[str, Any]], list[str]]:
    """The evaluations of these finished trials, in the order of their names, each with the name of its `file`
    and without its predictions, of which a sweep may have gigabytes; and what was wrong with others, in
    words.

    `states`: by id, from a scan; evaluations of any other trial are left alone.
    """
    rows: list[dict[str, Any]] = []
    damaged, strange = [], []
    for name, value in _parsed(files, sorted(_names(files))):
        record = whole(name, value)
        if record is None:
            damaged.append(f"{name} is damaged and was ignored")
            continue
        state = states.get(record["trial_id"])
        if state is None or not state.finished:
            continue
        if record["stored_error"] == stored_error(state):
            rows.append({**{k: v for k, v in record.items() if k != "predictions"}, "file": name})
        else:
            strange.append(f"{name} is of another training than the result that is there and was ignored")
    return rows, damaged + strange


def read_predictions(files: Files, names: Sequence[str]) -> Iterator[tuple[str, "NDArray[Any]"]]:
    """By name the class of each image, as `predictions` gives it, of the evaluations that are still whole."""
    for name, value in _parsed(files, sorted(names)):
        if (record := whole(name, value)) is not None:
            yield name, predictions(record)


def whole(name: str, value: object) -> EvaluationRecord | None:
    """An evaluation that is what its file's name says; None for anything else."""
    if not isinstance(value, dict) or not holds("evaluation.json", value):
        return None
    record = cast(EvaluationRecord, value)
    consistent = (
        _question(record).name == name
        and record["wrong"] <= record["images"]
        and fits(record["predictions"], record["images"], record["classes"])
        and record["error"] in (None, record["wrong"] / record["images"] * 100)
    )
    return record if consistent else None


def stored_error(state: TrialState) -> float | None:
    """What a finished trial's result says of the images that it was judged on."""
    result: Mapping[str, Any] = {**(state.result or {})}
    judged = result.get("val_error" if result.get("holdout") else "test_error")
    return judged if isinstance(judged, float | int) else None


def encoded(predictions: "NDArray[np.int64]", classes: int) -> str:
    """Classes of images [n] as a record has them."""
    return base64.b64encode(predictions.astype(f"<u{_width(classes)}").tobytes()).decode()


def predictions(record: EvaluationRecord) -> "NDArray[Any]":
    """The class of each image, in order, uint8 or uint16 [n]."""
    return decoded(record["predictions"], record["classes"])


def decoded(text: str, classes: int) -> "NDArray[Any]":
    """What was `encoded`, uint8 or uint16 [n]."""
    import numpy as np

    return np.frombuffer(_bytes(text), dtype=f"<u{_width(classes)}")


def fits(text: str, images: int, classes: int) -> bool:
    """Whether `text` holds a class for each of so many images."""
    return len(_bytes(text)) == images * _width(classes)


def _width(classes: int) -> int:
    return 1 if classes <= 256 else 2


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _names(files: Files) -> set[str]:
    return {
        f"{FOLDER}/{trial_id}/{name}"
        for trial_id, there in files.folders(FOLDER).items()
        for name in there
        if _NAME.fullmatch(name)
    }


def _question(record: EvaluationRecord) -> Question:
    fields: Mapping[str, Any] = {**record}
    return Question(*(fields[name] for name in Question._fields))


def _parsed(files: Files, wanted: list[str]) -> Iterator[tuple[str, object]]:
    for start in range(0, len(wanted), CHUNK):
        yield from sorted(files.read_jsons(wanted[start : start + CHUNK]).items())
