"""A file of an evaluation is what its name says, or it is not read."""

import numpy as np
import pytest

from orchestrator.results import evaluations
from orchestrator.results.evaluations import Question
from orchestrator.results.files import Files

QUESTION = Question("digits-resnet20-bn-b4-s1-0123456789ab", "a" * 64, "b" * 16, "test", "batch", 4)
ANSWERS = np.array([0, 1, 2, 1])


def record(**changes):
    return {
        "format": 1,
        **QUESTION._asdict(),
        "images": 4,
        "classes": 3,
        "wrong": 1,
        "error": 25.0,
        "loss": 0.5,
        "stored_error": 20.0,
        "found_error": 20.0,
        "predictions": evaluations.encoded(ANSWERS, 3),
        **changes,
    }


def test_what_is_written_is_read_again(tmp_path):
    files = Files(str(tmp_path))
    evaluations.write(files, record())
    found, damaged = evaluations.whole_ones(files)
    assert (found, damaged) == ({QUESTION.name: record()}, [])
    assert evaluations.predictions(found[QUESTION.name]).tolist() == ANSWERS.tolist()
    assert (tmp_path / QUESTION.name).exists()


def test_more_than_256_classes_take_two_bytes():
    many = record(classes=300, predictions=evaluations.encoded(np.array([299, 0, 7, 256]), 300))
    assert evaluations.whole(QUESTION.name, many) == many
    assert evaluations.predictions(many).tolist() == [299, 0, 7, 256]


@pytest.mark.parametrize("field", ["weights", "data", "split", "statistics", "batch_size", "trial_id"])
def test_the_name_follows_from_all_that_the_numbers_follow_from(field):
    other = {"split": "train", "statistics": "precise", "batch_size": 2}.get(field, "c" * 16)
    changed = QUESTION._replace(**{field: other})
    assert changed.name != QUESTION.name
    assert evaluations.whole(QUESTION.name, record(**{field: other})) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"images": 0},
        {"images": 3},
        {"wrong": 5},
        {"wrong": -1},
        {"error": 26.0},
        {"error": "25"},
        {"classes": 2**20},
        {"predictions": "AAECAQ"},
        {"predictions": "é"},
        {"predictions": 1},
        {"loss": 1e301},
        {"stored_error": None},
    ],
)
def test_what_cannot_be_is_not_read(changes):
    assert evaluations.whole(QUESTION.name, record(**changes)) is None


def test_a_network_without_numbers_is_an_answer():
    silent = record(error=None, loss=None)
    assert evaluations.whole(QUESTION.name, silent) == silent


def test_what_else_lies_there_is_left_alone(tmp_path):
    evaluations.write(Files(str(tmp_path)), record())
    (tmp_path / "evaluations" / "notes.txt").write_text("mine")
    (tmp_path / "evaluations" / QUESTION.trial_id / "mine.json").write_text("{}")
    assert evaluations.whole_ones(Files(str(tmp_path))) == ({QUESTION.name: record()}, [])
