"""A sweep on a disk whose networks gave answers that a test chooses, image by image."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from orchestrator.grid.blocks import Block
from orchestrator.grid.trial import Trial
from orchestrator.results import evaluations, labels
from orchestrator.results.evaluations import Question
from orchestrator.results.labels import Images
from orchestrator.results.records import EvaluationRecord
from orchestrator.results.store import Store
from tests.helpers.synthetic import write_sweep

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
    made = Block(
        dataset="cifar10", norm=norm, groups=groups, batch_size=size, seeds=tuple(range(1, seeds + 1))
    )
    return made.trials()


def planted(
    seeds: int, images: int, difficulty: float, generator: np.random.Generator, *, spread: float = 1.5
) -> NDArray[np.int64]:
    """Classes of `seeds` networks about `images` images of true class 0 [n, m]: an image that many get wrong has
    the same wrong class for most of them. The images are the same at every call with the same `generator` state."""
    hard = generator.normal(difficulty, spread, images)
    other = generator.integers(1, CLASSES, images)
    wrong = generator.normal(0, 1, (seeds, images)) + hard > 0
    strange = generator.integers(1, CLASSES, (seeds, images))
    chosen = np.where(generator.random((seeds, images)) < 0.8, other, strange)
    return np.where(wrong, chosen, 0)
