"""True classes are kept once for each set of images, and read only where they are those."""

import numpy as np
import pytest

from orchestrator.results import evaluations, labels
from orchestrator.results.files import Files
from orchestrator.results.labels import Images

IMAGES = Images("b" * 16, "test", 4)
TRUE = np.array([0, 1, 2, 1])


@pytest.fixture
def files(tmp_path):
    files = Files(str(tmp_path))
    labels.write(files, IMAGES, TRUE, 3)
    return files


def change(files, **changes):
    value = files.read_json(IMAGES.name)
    files.write_json(IMAGES.name, {**value, **changes})


def test_what_is_written_is_read_again_and_is_no_evaluation(files):
    assert labels.read(files, IMAGES).tolist() == TRUE.tolist()
    assert labels.read(files, IMAGES._replace(split="validation")) is None
    assert evaluations.whole_ones(files) == ({}, [])


def test_what_is_there_is_not_written_again(files, tmp_path):
    before = (tmp_path / IMAGES.name).stat().st_mtime_ns
    labels.write(files, IMAGES, TRUE, 3)
    assert (tmp_path / IMAGES.name).stat().st_mtime_ns == before
    (tmp_path / IMAGES.name).write_bytes(b"{}")
    labels.write(files, IMAGES, TRUE, 3)
    assert labels.read(files, IMAGES).tolist() == TRUE.tolist()


def test_more_than_256_classes_take_two_bytes(files):
    many = Images("c" * 16, "images", 3)
    labels.write(files, many, np.array([299, 0, 256]), 300)
    assert labels.read(files, many).tolist() == [299, 0, 256]


@pytest.mark.parametrize(
    "changes",
    [
        {"images": 5},
        {"split": "train"},
        {"data": "c"},
        {"classes": 300},
        {"labels": "é"},
        {"labels": 1},
        {"format": 2},
    ],
)
def test_what_cannot_be_is_not_read(files, changes):
    change(files, **changes)
    assert labels.read(files, IMAGES) is None


def test_a_folder_or_an_endless_file_in_its_place_is_not_read(files, tmp_path):
    (tmp_path / IMAGES.name).unlink()
    (tmp_path / IMAGES.name).mkdir()
    assert labels.read(files, IMAGES) is None
    (tmp_path / IMAGES.name).rmdir()
    (tmp_path / IMAGES.name).symlink_to("/dev/zero")
    assert labels.read(files, IMAGES) is None


@pytest.mark.parametrize("field", ["data", "split", "images"])
def test_the_name_follows_from_what_the_labels_follow_from(field):
    assert IMAGES._replace(**{field: 9 if field == "images" else "images"}).name != IMAGES.name
