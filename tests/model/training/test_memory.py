"""Memory of a replica, against a count by hand."""

import pytest

from model.data.dataset import DataInfo
from model.spec import Spec
from model.training import memory


def info(size):
    return DataInfo("x", 1000, 100, 3, size, size, tuple("0123456789"), "0")


def spec(**changes):
    fields = {
        "dataset": "cifar10",
        "model": "resnet20",
        "shortcut": "projection",
        "norm": "bn",
        "groups": None,
    }
    fields |= {"batch_size": 8, "recipe": "wu2018", "epochs": 1, "iterations": None, "holdout": 0}
    return Spec(**{**fields, **changes})


def test_saved_bytes_of_resnet20_by_hand():
    """Each of 21 convolutions (2 of them projections) keeps its input, each norm its input, each relu its output.

    Inputs that are outputs of a relu are one tensor with it. In units of a stage's C·H·W elements: the stem
    and stage 1 keep 7 convolutions' outputs and 7 relus' outputs, each later stage 6 + 1 (projection) and 6.
    """
    one = 16 * 32 * 32
    elements = one * (7 + 7) + one // 2 * (7 + 6) + one // 4 * (7 + 6)
    found = memory.saved_bytes(spec(), info(32))
    assert found == pytest.approx(4 * elements, rel=0.03), (
        "and little things: the image, statistics, the classifier"
    )


def test_what_an_optimiser_and_clipping_keep_of_every_weight():
    """ResNet-20 with BN has 272,474 parameters of 4 bytes (He et al. 2015, table 6: 0.27 million)."""
    plain = memory.replica_bytes(spec(), info(32))
    for more, copies in (
        ({"optimizer": "adamw"}, 1),
        ({"grad_clip": "norm"}, 1),
        ({"optimizer": "adamw", "grad_clip": "agc"}, 2),
    ):
        found = memory.replica_bytes(spec(**more), info(32)) - plain
        assert found == pytest.approx(copies * 4 * 272_474, rel=0.02)


def test_it_grows_with_pixels_and_batch():
    small, large = memory.saved_bytes(spec(), info(16)), memory.saved_bytes(spec(), info(32))
    assert large == pytest.approx(4 * small, rel=0.02)
    one, two = (memory.replica_bytes(spec(batch_size=size), info(32)) for size in (8, 16))
    assert two - one == 2 * 8 * large
    whole, part = (memory.replica_bytes(spec(train_size=n), info(32)) for n in (None, 300))
    assert whole - part == (1000 - 300) * 3 * 32 * 32, "an epoch's augmented images lie on the device"
