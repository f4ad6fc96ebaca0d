"""Another test set for networks that are trained: the same classes and size, or one clear error."""

import numpy as np
import pytest
from PIL import Image

from model.data.another import other_images
from model.data.dataset import DataInfo
from model.errors import InputError
from tests.helpers.arrays import arrays
from tests.helpers.tiny import make_images

INFO = DataInfo("imagefolder", 20, 8, 3, 8, 8, ("class0", "class1"), "0" * 16)


@pytest.mark.parametrize("below", ["", "test"])
def test_a_folder_of_classes_or_one_with_a_test_in_it(images, below):
    found = other_images(str(images / below) if below else str(images), INFO)
    assert found.labels.tolist() == [0] * 4 + [1] * 4
    first = np.asarray(Image.open(images / "test/class1/0.png").convert("RGB"))
    assert np.array_equal(found.images[4], first)
    assert found.fingerprint == other_images(str(images / "test"), INFO).fingerprint


def test_its_images_are_made_of_the_size_that_the_networks_take(tmp_path):
    folder = make_images(tmp_path, size=16)
    with pytest.warns(UserWarning, match="8 images resized to 8×8"):
        assert other_images(str(folder), INFO).images.shape == (8, 8, 8, 3)


def test_a_file_of_arrays_with_or_without_training_images(tmp_path):
    held = arrays()
    np.savez(tmp_path / "whole.npz", **held)
    np.savez(tmp_path / "test.npz", test_images=held["test_images"], test_labels=held["test_labels"])
    whole, alone = (other_images(str(tmp_path / name), INFO) for name in ("whole.npz", "test.npz"))
    assert np.array_equal(whole.images, held["test_images"])
    assert alone.labels.tolist() == held["test_labels"].tolist()
    assert whole.fingerprint == alone.fingerprint
    changed = held["test_images"].copy()
    changed[0, 0, 0, 0] ^= 1
    np.savez(tmp_path / "other.npz", test_images=changed, test_labels=held["test_labels"])
    assert other_images(str(tmp_path / "other.npz"), INFO).fingerprint != alone.fingerprint


def folder_without(tmp_path, change):
    folder = make_images(tmp_path / "made")
    change(folder / "test")
    return folder / "test"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda test: (test / "class1").rename(test / "class7"), "class class1 is missing"),
        (lambda test: (test / "extra").mkdir(), "class extra is none of the 2"),
        (lambda test: [path.unlink() for path in test.glob("*/*")], "no image in any"),
        (lambda test: (test / "class0/0.png").write_bytes(b"none"), "cannot read the image"),
    ],
)
def test_a_folder_that_does_not_fit(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        other_images(str(folder_without(tmp_path, change)), INFO)


def test_an_empty_folder_and_none(tmp_path):
    with pytest.raises(InputError, match="is empty; expected a folder with"):
        other_images(str(tmp_path), INFO)
    with pytest.raises(InputError, match="there is no such folder or file"):
        other_images(str(tmp_path / "none"), INFO)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test_labels": np.arange(8)}, "has a label 2; the networks were trained on 2 classes, 0 to 1"),
        ({"test_labels": np.arange(7) % 2}, "8 test_images and 7 test_labels"),
        (
            {"test_images": np.zeros((8, 9, 8, 3), np.uint8)},
            "9 × 8 × 3; the networks were trained on 8 × 8 × 3",
        ),
        ({"test_images": np.zeros((8, 8, 8, 3))}, "expected uint8"),
        ({"classes": ["a", "b"]}, "`classes` are others"),
        ({"test_images": None}, "test_images is missing"),
    ],
)
def test_a_file_that_does_not_fit(tmp_path, changes, words):
    held = {**{k: v for k, v in arrays().items() if k.startswith("test")}, **changes}
    np.savez(tmp_path / "x.npz", **{k: v for k, v in held.items() if v is not None})
    with pytest.raises(InputError, match=words):
        other_images(str(tmp_path / "x.npz"), INFO)


def test_a_folder_for_grey_images_is_refused(images):
    grey = DataInfo("digits", 20, 8, 1, 8, 8, ("class0", "class1"), "0" * 16)
    with pytest.raises(InputError, match=r"give an \.npz file with test_images of 8 × 8"):
        other_images(str(images), grey)
