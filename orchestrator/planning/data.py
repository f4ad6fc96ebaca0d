"""The data sets of a sweep: their facts, known without decoding an image."""

from collections.abc import Mapping, Sequence

from model.data.dataset import DataInfo
from model.data.registry import describe
from model.data.selection import Selection
from model.errors import InputError
from orchestrator.grid.trial import Trial
from orchestrator.results.records import DataFacts


def describe_data(trials: Sequence[Trial], data_dir: str | None) -> dict[str, DataInfo]:
    """The facts of every data set of the sweep, each trial checked against them. Raises InputError."""
    infos = {name: describe(name, data_dir) for name in dict.fromkeys(trial.dataset for trial in trials)}
    for trial in trials:
        info = infos[trial.dataset]
        Selection.of(trial).check(info)
        images = trial.images(info.train_size)
        if trial.batch_size > images:
            which = " as train_size says" if trial.train_size else " after the hold-out" * bool(trial.holdout)
            raise InputError(
                f"batch size {trial.batch_size} is larger than the training set: {info.name} has "
                f"{images} training images{which}."
            )
        if trial.label_noise and trial.label_noise * images < 0.5:
            raise InputError(
                f"label_noise {trial.label_noise:g}: of {images} training images that is not one; choose a "
                "larger share, or 0"
            )
    return infos


def data_facts(infos: Mapping[str, DataInfo]) -> dict[str, DataFacts]:
    """What a sweep.json keeps of them."""
    return {name: _facts(info) for name, info in infos.items()}


def _facts(info: DataInfo) -> DataFacts:
    facts: DataFacts = {
        "fingerprint": info.fingerprint,
        "train_size": info.train_size,
        "test_size": info.test_size,
        "classes": len(info.classes),
        "image": [info.channels, info.height, info.width],
        "flip": info.flip,
        "border": info.border,
    }
    if info.listing is not None:
        facts["listing"] = info.listing
    return facts
