"""A sweep on a disk whose networks gave answers that a test chooses, image by image."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from orchestrator.grid.trial import Trial
from orchestrator.results import evaluations, labels
from orchestrator.results.evaluations import Question
from orchestrator.results.labels import Images
from orchestrator.results.records import EvaluationRecord
from orchestrator.results.store import Store
from tests.helpers.synthetic import block, write_sweep

DATA = "0" * 12
CLASSES = 10
#: Norm and batch size -> the classes that the networks of seeds 1, 2, … give to each image [n, m].
Answers = Mapping[tuple[str, int], NDArray[Any]]


def judged_sweep(folder: str, answers: Answers, true: NDArray[Any], *, name: str = "judged") -> str:
    """The sweep in `folder`, its trials' errors those of the answers, with the true classes [m] kept."""
    trials = {
        trial: given[trial.seed - 1]
        for (norm, size), given in answers.items()
        for trial in _cell(norm, size, len(given))
    }
    wrong = {trial: 100 * float((own != true).mean()) for trial, own in trials.items()}
    write_sweep(folder, list(trials), error=lambda trial: wrong[trial], name=name)
    for trial, own in trials.items():
        keep(folder, trial.trial_id, own, true)
    labels.write(Store(folder).files, Images(DATA, "test", len(true)), true, CLASSES)
    return folder


def keep(folder: str, trial_id: str, own: NDArray[Any], true: NDArray[Any], **changes: Any) -> None:
    """One evaluation of a trial, of the images that it is judged on, by running statistics."""
    store = Store(folder)
    count = int((own != true).sum())
    record = {
        "format": 1,
        **Question(trial_id, "a" * 64, DATA, "test", "population", None)._asdict(),
        "images": len(true),
        "classes": CLASSES,
        "wrong": count,
        "error": count / len(true) * 100,
        "loss": 0.5,
        "stored_error": evaluations.stored_error(store.scan()[trial_id]),
        "found_error": count / len(true) * 100,
        "predictions": evaluations.encoded(own.astype(np.int64), CLASSES),
        **changes,
    }
    evaluations.write(store.files, cast(EvaluationRecord, record))


def _cell(norm: str, size: int, seeds: int) -> list[Trial]:
    groups = 8 if norm == "gn" else None
    return block(norm=norm, groups=groups, batch_size=size, seeds=tuple(range(1, seeds + 1)))


def planted(
    seeds: int, images: int, mean: float, *, place: object = 0, spread: float = 1.5
) -> NDArray[np.int64]:
    """Classes of `seeds` networks about `images` images of true class 0 [n, m]; images that are hard are so at every
    call, and have a class that most networks take them for. `mean`: below zero most images are easy; `place`: of the
    networks, so that others err otherwise."""
    shared = np.random.default_rng(images)
    hard, taken = shared.normal(0, spread, images), shared.integers(1, CLASSES, images)
    generator = np.random.default_rng(list(repr(place).encode()))
    hard = hard + generator.normal(0, 1, images)
    wrong = generator.normal(mean, 0.5, (seeds, images)) + hard > 0
    other = generator.integers(1, CLASSES, (seeds, images))
    return np.where(wrong, np.where(generator.random((seeds, images)) < 0.8, taken, other), 0)
