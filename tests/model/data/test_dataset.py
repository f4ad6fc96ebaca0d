"""Data sets: digits, the hold-out, and what needs no torch."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch

from model.data import digits
from model.data.registry import describe, load
from model.data.selection import Selection
from model.errors import InputError
from tests.helpers.cells import toy_data


def test_digits_are_scikit_learns_scaled_to_bytes_and_split_one_in_four():
    from sklearn.datasets import load_digits

    source, data = load_digits(), load("digits")
    assert (len(data.train_labels), len(data.eval_labels)) == (1352, 445)
    occurrences = dict.fromkeys(range(10), 0)
    train, test = [], []
    for image, label in zip(source.images, source.target, strict=True):
        occurrences[int(label)] += 1
        (test if occurrences[int(label)] % 4 == 0 else train).append((image, label))
    for (image, label), ours, our_label in zip(test, data.eval_images, data.eval_labels, strict=True):
        assert label == our_label
        assert np.array_equal(ours[0].numpy(), np.round(image * 255 / 16))
    assert [label for _, label in train] == data.train_labels.tolist()
    assert data.train_images.dtype == torch.uint8
    assert int(data.train_images.max()) == 255
    assert (data.pad, data.flip, data.which) == (1, False, "test")


def test_digits_facts_agree_with_the_arrays():
    arrays = digits.arrays()
    digest = hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()
    assert digits.INFO.fingerprint == digest[:16]
    assert digits.INFO.train_size == len(arrays["train_labels"])
    assert digits.INFO.test_size == len(arrays["test_labels"])


def test_mean_and_deviation_are_those_of_the_training_images_in_use():
    for holdout in (0, 10):
        data = toy_data(n=40, holdout=holdout)
        assert len(data.train_labels) == 40 - holdout
        pixels = data.train_images.double()
        torch.testing.assert_close(data.mean.double(), pixels.mean((0, 2, 3)), rtol=1e-6, atol=0)
        deviation = pixels.std((0, 2, 3), correction=0)
        torch.testing.assert_close(data.std.double(), deviation, rtol=1e-6, atol=0)


def test_a_hold_out_comes_from_training_images_and_the_test_set_is_not_there():
    whole, held = load("digits"), load("digits", selection=Selection(200))
    assert held.which == "validation"
    train = {image.numpy().tobytes() for image in whole.train_images}
    test = {image.numpy().tobytes() for image in whole.eval_images}
    assert not train & test
    kept = [image.numpy().tobytes() for image in held.train_images]
    judged = [image.numpy().tobytes() for image in held.eval_images]
    assert sorted(kept + judged) == sorted(image.numpy().tobytes() for image in whole.train_images)
    assert not test & {*kept, *judged}


@pytest.mark.parametrize("holdout", [1352, 5000])
def test_a_hold_out_that_leaves_nothing_is_an_input_error(holdout):
    with pytest.raises(InputError, match="leaves nothing"):
        load("digits", selection=Selection(holdout))


def test_an_unknown_data_set_is_an_input_error():
    with pytest.raises(InputError, match="digits, cifar10, cifar100, svhn, fashionmnist, imagefolder, npz"):
        describe("mnist")


@pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 100)])
def test_cifar_facts_are_torchvisions(name, classes):
    import torchvision

    info = describe(name)
    kind = {"cifar10": torchvision.datasets.CIFAR10, "cifar100": torchvision.datasets.CIFAR100}[name]
    assert info.fingerprint == kind.tgz_md5
    assert kind.filename == kind.url.rpartition("/")[2], "the name under which an archive is kept"
    assert len(set(info.classes)) == classes
    assert list(info.classes) == sorted(info.classes)


def test_describing_needs_no_torch():
    code = (
        "import sys; from model.data.registry import describe; describe('digits'); describe('cifar10'); "
        "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
