"""What a network takes over from another's weights: held to the tensors themselves."""

import pytest
import torch

from model.data.dataset import DataInfo
from model.net.build import network
from model.net.transfer import MisfitError, misfit, taken_over
from model.spec import Spec


def images(classes=10, channels=3, size=8):
    return DataInfo("made", 40, 20, channels, size, size, tuple(map(str, range(classes))), "f")


def spec(norm="bn", **changes):
    grouped = {"groups": 4} if norm in {"gn", "rms", "bgn", "evos0"} else {}
    return Spec(**{"norm": norm, "batch_size": 4, "epochs": 2, **grouped, **changes})


def parts(cell, info=None):
    """Parameters and buffers of one replica, all of them other numbers than a fresh one's, and its norms."""
    info = info or images()
    net = network(cell, info, [0], zero_gamma=True, together=False)
    named = [dict(net.named_parameters()), dict(net.named_buffers())]
    for tensors in named:
        for tensor in tensors.values():
            tensor.detach().copy_(torch.rand(tensor.shape) + 1)
    return (*named, net.norms())


def taken(child, parent, classes=10, parents_classes=10):
    weights, statistics, norms = parts(child, images(classes))
    there = {k: v for part in parts(parent, images(parents_classes))[:2] for k, v in part.items()}
    found = taken_over(there, weights, statistics, norms, classes)
    assert all(found[name] is there[name] for name in found), "the parent's tensors, nothing made of them"
    return found, weights, statistics


def test_batch_norm_to_group_norm():
    found, weights, statistics = taken(spec("gn"), spec("bn"))
    assert set(found) == set(weights)
    assert not statistics


def test_batch_norm_to_frozen():
    found, weights, statistics = taken(spec("fbn"), spec("bn"))
    assert set(found) == set(weights) | set(statistics)
    assert any(name.endswith("running_var") for name in found)


@pytest.mark.parametrize(
    ("child", "anew"),
    [
        ("dyt", {"alpha"}),
        ("none", {"scale"}),
        (
            "brn",
            {"running_mean", "running_std", "steps"},
        ),  # a mean without its deviation would be no statistic
        ("bgn", {"running_mean", "running_var"}),
        ("evob0", {"v"}),
        ("evos0", {"v"}),
        ("ln", set()),
    ],
)
def test_from_batch_norm_what_starts_anew(child, anew):
    found, weights, statistics = taken(spec(child), spec("bn"))
    missing = {name.rpartition(".")[2] for name in {**weights, **statistics} if name not in found}
    assert missing == anew


def test_counters_start_from_their_beginning():
    found, _, statistics = taken(spec("brn"), spec("brn"))
    assert {name.rpartition(".")[2] for name in set(statistics) - set(found)} == {"steps"}


def test_statistics_from_a_norm_without_a_mean_start_anew():
    found, _, statistics = taken(spec("bn"), spec("evob0"))
    assert not set(found) & set(statistics)


@pytest.mark.parametrize("model", ["resnet20", "vgg", "resnet18", "gnresnet", "mixer", "lstm"])
def test_the_classifier_alone_starts_anew_with_other_classes(model):
    norm = "ln" if model == "lstm" else "bn"
    cell = spec(norm, model=model)
    found, weights, statistics = taken(cell, cell, classes=7, parents_classes=12)
    new = set({**weights, **statistics}) - set(found)
    assert {len(weights[name]) for name in new} == {7}
    assert 1 <= len(new) <= 2
    assert not set(weights) - set(taken(cell, cell)[0]), "and nothing with the same"


@pytest.mark.parametrize(
    ("child", "parent", "words"),
    [
        ({"width": 2}, {}, "conv.weight is [16, 3, 3, 3] there and [32, 3, 3, 3] here"),
        ({}, {"model": "resnet32"}, "blocks.5.shortcut.conv.weight is not part of this network"),
        ({}, {"shortcut": "identity"}, "conv.weight is missing there and"),
        ({"shortcut": "identity"}, {}, "is not part of this network"),
    ],
)
def test_another_network_does_not_fit(child, parent, words):
    weights, statistics, norms = parts(spec(**child))
    there = {k: v for part in parts(spec(**parent))[:2] for k, v in part.items()}
    with pytest.raises(MisfitError) as raised:
        taken_over(there, weights, statistics, norms, 10)
    assert words in str(raised.value)


def test_misfit_by_the_data():
    here = spec("gn")
    assert misfit(here, images(), spec("bn"), images(classes=100, size=16)) is None
    assert misfit(here, images(channels=1), spec("bn"), images()) == (
        "conv.weight is [16, 3, 3, 3] there and [16, 1, 3, 3] here"
    )
    lstm = spec("ln", model="lstm")
    assert misfit(lstm, images(), lstm, images(size=16)) is not None
