"""What stored networks answered, image by image: read when it is needed, and no more at a time than that."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.sources.load import Sweep
from orchestrator.results import labels
from orchestrator.results.evaluations import read_predictions
from orchestrator.results.files import Files
from orchestrator.results.labels import Images

#: The class of each image [m].
Classes = NDArray[Any]


class Judgements:
    """The answers of a sweep's networks about the images that it judges on, by running statistics.

    `labels` [m]: the images' true classes; `of`: trial -> the file with what its network answers, and how
    many of the images it gets wrong.
    """

    def __init__(self, sweep: Sweep, true: Classes, of: Mapping[str, tuple[str, int]]) -> None:
        self._files = Files(sweep.source)
        self.labels, self._of = true, of

    def read(self, trials: Collection[str]) -> dict[str, Classes]:
        """The predicted classes [m] of those of these trials whose networks were asked, and whose files are
        whole and fit the labels."""
        by_name = {self._of[trial][0]: trial for trial in trials if trial in self._of}
        return {
            by_name[name]: found
            for name, found in read_predictions(self._files, list(by_name))
            if len(found) == len(self.labels)
            and int((found != self.labels).sum()) == self._of[by_name[name]][1]
        }


def judgements(sweep: Sweep, rows: pd.DataFrame) -> Judgements | None:
    """`rows`: evaluations of one panel's trials of `sweep`, as a study has them. None where no network was
    asked about the images that it is judged on, or nobody kept what is right there (before the labels were
    kept, or in memory)."""
    own = rows[image_by_image(rows)].drop_duplicates("trial_id")
    if own.empty:
        return None
    kinds = [
        Images(str(data), str(split), int(count))
        for data, split, count in zip(own["data"], own["split"], own["images"], strict=True)
    ]
    images, _ = Counter(kinds).most_common(1)[0]
    true = labels.read(Files(sweep.source), images)
    if true is None:
        return None
    counts = (own["error"] / 100 * own["images"]).round()
    asked = zip(kinds, own["trial_id"], own["file"], counts, strict=True)
    of = {str(trial): (str(file), int(count)) for kind, trial, file, count in asked if kind == images}
    return Judgements(sweep, true, of)


def image_by_image(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which evaluations are of the images that a sweep judges on, by running statistics, with answers
    kept."""
    judged = rows["split"].isin(["test", "validation"]) & (rows["statistics"] == "population")
    return judged & rows["error"].notna() & rows["file"].notna()


def wrong(predictions: Classes, true: Classes) -> NDArray[np.int8]:
    """1 where the class is not the true one [n, m]."""
    return np.asarray(predictions != true, dtype=np.int8)
