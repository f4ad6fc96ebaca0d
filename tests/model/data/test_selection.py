"""Which images are trained on and which labels are wrong: shares by hand, and always the same."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from model.data import digits
from model.data.registry import load
from model.data.selection import Selection, corrupted, held_out, stratified
from model.errors import InputError

LABELS = digits.arrays()["train_labels"]


def taken(labels, count):
    return np.bincount(labels[stratified(labels, np.arange(len(labels)), count)], minlength=3).tolist()


def test_a_hold_out_is_balanced_and_always_the_same():
    labels = np.repeat(np.arange(10), 5000)
    chosen = held_out(labels, 5000)
    assert np.bincount(labels[chosen]).tolist() == [500] * 10
    assert len(set(chosen.tolist())) == 5000
    assert np.array_equal(chosen, held_out(labels, 5000))
    assert np.bincount(labels[held_out(labels, 5003)]).tolist() == [501] * 3 + [500] * 7
    uneven = np.array([0] * 60 + [1] * 30 + [2] * 10)
    assert np.bincount(uneven[held_out(uneven, 10)]).tolist() == [6, 3, 1]


def test_a_hold_out_golden_value():
    """Raise PROTOCOL before changing this: old and new searches would be judged on other images."""
    assert held_out(np.zeros(1000, dtype=np.int64), 5).tolist() == [18, 352, 550, 870, 898]


def test_every_class_has_its_share_of_a_training_set():
    """By hand, Sainte-Laguë for 6, 6 and 2 images: of 14, 7 is half. The quotients 6/1, 6/3, 6/5 … and 2/1,
    2/3 … are 6, 6, 2, 2, 2, 1.2, 1.2, .857, .857, .667, .667, .667, .545, .545, the lower class first."""
    labels = np.array([0] * 6 + [1] * 6 + [2] * 2)
    assert taken(labels, 2) == [1, 1, 0]
    assert taken(labels, 5) == [2, 2, 1]
    assert taken(labels, 7) == [3, 3, 1]
    assert taken(labels, 10) == [5, 4, 1], "2/3 of each: the two larger classes come first"
    assert taken(labels, 14) == [6, 6, 2]
    uneven = np.array([2] * 10 + [1] * 30 + [0] * 60)
    assert taken(uneven, 10) == [6, 3, 1]
    assert taken(uneven, 50) == [30, 15, 5]


def test_a_share_is_never_an_image_off_what_is_due():
    """A property of Sainte-Laguë's for classes like these; largest remainders have it always, but shrink."""
    sizes = np.bincount(LABELS)
    for count in range(10, len(LABELS), 97):
        share = np.bincount(LABELS[stratified(LABELS, np.arange(len(LABELS)), count)], minlength=10)
        assert np.abs(share - sizes * count / len(LABELS)).max() < 1


def test_a_smaller_training_set_is_a_part_of_a_larger_one():
    """Also where largest remainders would give the third class 2 images of 10, and 1 of 11."""
    labels = np.array([0] * 6 + [1] * 6 + [2] * 2)
    for least, most in itertools.pairwise(range(3, 15)):
        smaller, larger = (set(stratified(labels, np.arange(14), n).tolist()) for n in (least, most))
        assert smaller < larger


def test_a_training_set_golden_value():
    """Raise PROTOCOL before changing this: old and new trials would learn from other images."""
    labels = np.arange(1000) % 2
    assert stratified(labels, np.arange(1000), 4).tolist() == [175, 378, 561, 922]
    assert corrupted(labels[:8], np.arange(8), 0.5, 5).tolist() == [4, 4, 0, 1, 0, 1, 4, 2]


def test_it_is_taken_from_what_a_hold_out_leaves_which_it_does_not_change():
    plain = Selection(200).split(LABELS)
    both = Selection(200, 500).split(LABELS)
    assert np.array_equal(plain[1], both[1])
    assert not set(both[0].tolist()) & set(both[1].tolist())
    assert len(both[0]) == 500


def test_all_there_are_by_number_are_the_whole_set():
    whole, numbered = load("digits"), load("digits", selection=Selection(train_size=1352))
    assert np.array_equal(whole.train_images, numbered.train_images)
    assert np.array_equal(whole.train_labels, numbered.train_labels)


def test_a_part_is_standardised_by_itself_and_judged_on_the_whole_test_set():
    whole, part = load("digits"), load("digits", selection=Selection(train_size=40))
    assert len(part.train_labels) == 40
    assert part.mean.item() == pytest.approx(part.train_images.double().mean().item(), rel=1e-6)
    assert part.mean.item() != whole.mean.item()
    assert np.array_equal(part.eval_images, whole.eval_images)


def test_so_many_labels_are_wrong_and_every_wrong_class_is_as_likely():
    from scipy.stats import chisquare

    places = np.arange(len(LABELS))
    noisy = corrupted(LABELS, places, 0.4, 10)
    wrong = noisy != LABELS
    assert wrong.sum() == round(0.4 * len(LABELS)) == 541
    assert noisy.min() >= 0
    assert noisy.max() <= 9
    shifts = np.bincount((noisy - LABELS)[wrong] % 10, minlength=10)
    assert shifts[0] == 0
    assert chisquare(shifts[1:]).pvalue > 0.01
    assert chisquare(np.bincount(LABELS[wrong]), np.bincount(LABELS) * wrong.mean()).pvalue > 0.01
    assert (corrupted(LABELS, places, 1.0, 10) != LABELS).all()
    two = LABELS % 2
    assert np.array_equal(corrupted(two, places, 1.0, 2), 1 - two)


def test_what_is_wrong_at_a_smaller_share_is_wrong_alike_at_a_larger():
    places = np.arange(len(LABELS))
    less, more = (corrupted(LABELS, places, share, 10) for share in (0.1, 0.5))
    wrong = less != LABELS
    assert np.array_equal(less[wrong], more[wrong])


def test_labels_that_judge_are_never_touched():
    for held in (0, 200):
        clean = load("digits", selection=Selection(held, 500))
        noisy = load("digits", selection=Selection(held, 500, 0.3))
        assert np.array_equal(clean.eval_labels, noisy.eval_labels)
        assert np.array_equal(clean.train_images, noisy.train_images)
        assert (clean.train_labels != noisy.train_labels).sum() == 150
    assert np.array_equal(digits.arrays()["train_labels"], LABELS), "the cached arrays stay as they are"


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(train_size=1353), "train_size 1,353: digits has 1,352 training images; choose as many"),
        (Selection(1000, 400), "digits has 352 training images after a hold-out of 1,000"),
        (Selection(train_size=9), "digits has 10 classes"),
    ],
)
def test_more_than_there_is_names_the_number_there_is(selection, message):
    with pytest.raises(InputError, match=message):
        selection.check(digits.INFO)
    replace(selection, train_size=352).check(digits.INFO)
