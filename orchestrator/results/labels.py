"""The true class of every image that networks were asked about, kept beside what they answered.

    evaluations/<split>-labels-<12 hex digits>.json

A report has no data set at hand: which of the predicted classes are wrong it finds out here. The digits are
of what the labels follow from: the data's fingerprint, which of its images, and how many (a hold-out of one
size is always the same images). Labels of training images are not kept: they differ between cells.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from orchestrator.results.evaluations import FOLDER, decoded, encoded, fits
from orchestrator.results.files import Files
from orchestrator.results.json_file import JsonObject
from orchestrator.results.records import LabelsRecord
from orchestrator.results.shapes import holds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Splits whose labels are kept.
SPLITS = ("test", "validation", "images")


class Images(NamedTuple):
    """Which images: see `EvaluationRecord` for `data` and `split`; `images`: how many."""

    data: str
    split: str
    images: int

    @property
    def name(self) -> str:
        """The name of the file that holds their labels."""
        canonical = json.dumps(self._asdict(), sort_keys=True, separators=(",", ":"))
        return f"{FOLDER}/{self.split}-labels-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}.json"


def write(files: Files, images: Images, labels: "NDArray[np.int64]", classes: int) -> None:
    """Keep the labels [n] of these images, unless they are there. Raises StorageError."""
    if read(files, images) is None:
        text = encoded(labels, classes)
        files.write_json(images.name, {"format": 1, **images._asdict(), "classes": classes, "labels": text})


def read(files: Files, images: Images) -> "NDArray[Any] | None":
    """The class of each image, uint8 or uint16 [n]; None where there is no such file, or none that is
    whole."""
    try:
        value = files.read_json(images.name)
    except (ValueError, IsADirectoryError, PermissionError):
        return None
    record = None if value is None else _whole(images, value)
    return None if record is None else decoded(record["labels"], record["classes"])


def _whole(images: Images, value: JsonObject) -> LabelsRecord | None:
    if not holds("labels.json", value):
        return None
    record = cast(LabelsRecord, value)
    own = Images(record["data"], record["split"], record["images"])
    return record if own == images and fits(record["labels"], record["images"], record["classes"]) else None
