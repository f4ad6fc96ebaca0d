"""What a user brings as arrays: every mistake is one line, and the fingerprint knows what changes a number."""

import numpy as np
import pytest

from model.data.arrays import checked
from model.errors import InputError
from tests.helpers.arrays import arrays


def test_the_facts_are_read_off_the_arrays():
    found = checked("mine", arrays(train=20, test=8, classes=4, size=12), "here")
    info = found.info
    assert (info.name, info.train_size, info.test_size) == ("mine", 20, 8)
    assert (info.channels, info.height, info.width) == (3, 12, 12)
    assert info.classes == ("0", "1", "2", "3")
    assert (info.flip, info.border) == (True, 1)


def test_what_may_be_said_beside_the_arrays():
    given = arrays() | {"classes": ["dark", "light"], "flip": False, "pad": 0}
    info = checked("mine", given, "here").info
    assert (info.classes, info.flip, info.border) == (("dark", "light"), False, 0)


@pytest.mark.filterwarnings("error")
def test_grey_images_and_a_column_of_labels_are_taken():
    """As keras and MedMNIST have them."""
    given = arrays(channels=1)
    flat = given | {
        "train_images": given["train_images"][..., 0],
        "train_labels": given["train_labels"][:, None].astype(np.uint8),
    }
    one, other = checked("mine", given, "here"), checked("mine", flat, "here")
    assert one.info == other.info
    assert other.arrays["train_images"].shape == (20, 8, 8, 1)
    assert other.arrays["train_labels"].dtype == np.int64


def test_the_fingerprint_is_of_what_changes_a_number():
    given = arrays()

    def mark(**changes):
        return checked("mine", given | changes, "here").info.fingerprint

    pixel = given["test_images"].copy()
    pixel[3, 2, 1, 0] += 1
    label = given["train_labels"].copy()
    label[[0, 1]] = label[[1, 0]]
    others = [mark(test_images=pixel), mark(train_labels=label), mark(flip=False), mark(pad=3)]
    assert len({mark(), *others}) == 5
    same = [
        mark(classes=["a", "b"]),
        mark(train_labels=given["train_labels"].astype(np.uint8)),
        mark(train_images=np.asfortranarray(given["train_images"])),
        mark(train_images=given["train_images"].tolist() and given["train_images"][:]),
    ]
    assert set(same) == {mark()}


def wrong(key, change):
    given = arrays()
    given[key] = change(given[key]) if callable(change) else change
    return given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "expected a dict of arrays train_images, .* got nothing"),
        (([], []), "expected a dict of arrays .* got a tuple"),
        ({"x_train": 1}, "train_images is missing; expected .* there is x_train"),
        (arrays() | {"flips": True}, "unknown name 'flips', did you mean flip"),
        (wrong("train_images", lambda a: a / 255), "train_images are float64; expected uint8"),
        (wrong("test_images", lambda a: a.astype(int)), "test_images are int64; expected uint8"),
        (wrong("train_images", lambda a: a.transpose(0, 3, 1, 2)), "channels first; expected .* transpose"),
        (wrong("train_images", lambda a: a[0, 0]), r"shape \[8, 3\]; expected \[n, H, W\]"),
        (wrong("test_images", lambda a: a[:, :6]), "test_images are 6 × 8 × 3 and train_images 8 × 8 × 3"),
        (wrong("test_images", lambda a: a[:0]), "test_images are empty"),
        (wrong("train_images", lambda a: a[1:]), "19 train_images and 20 train_labels"),
        (wrong("train_labels", lambda a: a + 0.0), "train_labels are float64 .* whole numbers"),
        (
            wrong("train_labels", lambda a: np.eye(2, dtype=int)[a]),
            r"shape \[20, 2\]; expected whole numbers",
        ),
        (wrong("train_labels", lambda a: a > 0), "train_labels are bool"),
        (wrong("train_labels", lambda a: np.array(["cat", "dog"] * 10)), "train_labels are <U3"),
        (wrong("train_labels", lambda a: a + 1), "no training image has the label 0 of 0 to 2"),
        (wrong("train_labels", lambda a: a - 1), "train_labels has a label -1; there are 1 classes|label -1"),
        (wrong("test_labels", lambda a: a + 1), "test_labels has a label 2; there are 2 classes"),
        (wrong("train_labels", lambda a: a * 0), "test_labels has a label 1; there are 1 classes"),
        (wrong("train_labels", lambda a: a.astype(np.uint64) + 2**63), "has a label 9"),
        (wrong("train_labels", lambda a: a + 10**9), "the most is 99999"),
        (wrong("classes", ["one"]), "train_labels has a label 1; there are 1 classes.* as `classes` says"),
        (wrong("classes", ["a", "b", "c"]), "no training image has the label 2"),
        (wrong("flip", 1), "flip is 1; expected True or False"),
        (wrong("pad", -1), "pad is -1; expected pixels, 0 to the height of 8"),
        (wrong("pad", 1.5), "pad is 1.5"),
        (wrong("pad", True), "pad is True"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(given, said):
    with pytest.raises(InputError, match=f"^here: .*{said}") as error:
        checked("mine", given, "here")
    assert "\n" not in str(error.value)


def test_one_class_is_no_question():
    given = arrays() | {"train_labels": np.zeros(20, int), "test_labels": np.zeros(8, int)}
    with pytest.raises(InputError, match="all images have one label"):
        checked("mine", given, "here")


def test_what_is_not_used_is_said():
    with pytest.warns(UserWarning, match="here: not used: val_images, val_labels"):
        checked("mine", arrays() | {"val_images": 1, "val_labels": 2}, "here")
