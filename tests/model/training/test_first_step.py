"""A cell's first step, tried before it trains: where a variance has one value, and what a norm does in a network."""

import sys

import pytest
import torch

from model.errors import InputError
from model.net.build import network
from model.training.first_step import try_first_step
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

#: Maps of resnet20 become 1×1 on these, 2×2 on the others.
SMALL, LARGER = toy_data(n=9, size=4), toy_data(n=9, size=8)
SOURCE = """\
import torch
from torch import nn
from torch.nn import functional as F

class Weighted(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
    def forward(self, x): return self.of(x) * self.weight.view(-1, 1, 1)

class Fixed(nn.LayerNorm):
    def __init__(self, channels): super().__init__([channels, 8, 8])
class Cut(Weighted):
    def of(self, x): return x if x.shape[2] == 8 else x[:, :, :1]
class Deep(Weighted):
    def of(self, x): return x / 0 if x.shape[2] == 2 else x
class Steep(Weighted):
    def of(self, x): return (x - x.detach()).abs().sqrt() + x if x.shape[2] == 2 else x
class Double(Weighted):
    def of(self, x): return x.double()
class Spread(Weighted):
    def of(self, x): return x / (x.std((0, 2, 3), keepdim=True) + 1e-5)
class Plain(nn.BatchNorm2d): pass

class Net(nn.Module):
    def __init__(self, in_channels, classes, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(in_channels, 8, 3, padding=1), norm(8)
        self.out = nn.Linear(8, classes)
    def forward(self, x): return self.out(self.before(self.conv(x)))
class Pooled(Net):
    def before(self, x): return self.norm(x.mean((2, 3)))
class Squeezing(Net):
    def before(self, x): return self.norm(x).mean((2, 3)).squeeze()
class Batched(Net):
    def __init__(self, *given):
        super().__init__(*given)
        self.more = nn.BatchNorm1d(8)
    def before(self, x):
        return self.more(self.norm(x).mean((2, 3)))
"""


@pytest.fixture(autouse=True)
def lab(tmp_path, monkeypatch):
    (tmp_path / "first_lab.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("first_lab", None)


@pytest.mark.parametrize(
    ("norm", "changes"),
    [
        ("bn", {"batch_size": 1}),
        ("bn", {"batch_size": 3, "norm_batch": 1}),
        ("brn", {"batch_size": 1}),
        ("in", {"batch_size": 1}),
    ],
)
def test_what_torch_would_refuse_in_training_is_told_before(norm, changes):
    cell = spec(norm=norm, **changes)
    assert "maps of resnet20 become 1×1 on images of 4×4" in try_first_step(cell, SMALL.info).place
    with pytest.raises(ValueError, match="Expected more than 1 value"):
        Training(cell, [1], SMALL).run_epoch()
    assert try_first_step(cell, LARGER.info) is None
    Training(cell, [1], LARGER).run_epoch()


@pytest.mark.parametrize(
    ("norm", "changes"),
    [
        ("bn", {"batch_size": 2}),
        ("bn", {"batch_size": 4, "norm_batch": 2}),
        ("ln", {"batch_size": 1}),
        ("bgn", {"batch_size": 1, "groups": 8}),
        ("gn", {"batch_size": 1, "groups": 16}),
        ("fbn", {"batch_size": 1}),
        ("evos0", {"batch_size": 1, "groups": 16}),
    ],
)
def test_what_torch_takes_is_taken(norm, changes):
    cell = spec(norm=norm, **changes)
    assert try_first_step(cell, SMALL.info) is None
    assert Training(cell, [1], SMALL).run_epoch()[0].train_loss > 0


def test_instance_norm_of_one_pixel_leaves_nothing_of_an_image():
    """torch takes it in batches, and the network then says the same of every image."""
    cell = spec(norm="in", batch_size=4)
    assert "several channels" in try_first_step(cell, SMALL.info).remedy
    logits = network(cell, SMALL.info, [1], zero_gamma=False)(torch.randn(3, 3, 4, 4))[0]
    torch.testing.assert_close(logits, logits[:1].expand(3, -1))
    assert try_first_step(cell, LARGER.info) is None


def test_a_batch_that_evonorm_takes_has_no_variance_either():
    assert try_first_step(spec(norm="evob0", batch_size=1), SMALL.info) is not None


@pytest.mark.parametrize(
    ("norm", "batch_size", "problem"),
    [
        ("Fixed", 4, r"norm Fixed in resnet20 on images of 8×8 does not take activations \[2, 32, 4, 4\]"),
        ("Cut", 4, r"line 13: norm Cut .* makes \[2, 32, 1, 4\] of activations \[2, 32, 4, 4\]"),
        ("Deep", 4, r"norm Deep .* gives NaN or infinity for activations \[2, 64, 2, 2\]"),
        ("Steep", 4, "with norm Steep.* a gradient that is NaN"),
        ("Double", 4, "norm Double .* makes torch.float64 of activations in torch.float32"),
        ("Spread", 1, r"on images of 4×4 gives NaN or infinity for activations \[1, 64, 1, 1\]"),
        ("Plain", 1, "norm Plain .* does not take activations .* Expected more than 1 value per channel"),
    ],
)
def test_an_own_norm_is_tried_on_the_maps_that_it_will_see(norm, batch_size, problem):
    data = SMALL if batch_size == 1 else LARGER
    with pytest.raises(InputError, match=problem) as error:
        try_first_step(spec(norm=f"first_lab:{norm}", batch_size=batch_size), data.info)
    assert "\n" not in str(error.value)
    assert norm == "Steep" or "first_lab.py" in str(error.value)


def test_an_own_norm_that_is_right_everywhere_is_taken():
    for batch_size, data in ((2, SMALL), (1, LARGER)):
        assert try_first_step(spec(norm="first_lab:Plain", batch_size=batch_size), data.info) is None


@pytest.mark.parametrize(
    ("net", "problem"),
    [
        ("Squeezing", r"first_lab.py: Squeezing with norm bn, on a batch of 1 .* expected logits \[1, 3\]"),
        ("Batched", r"first_lab.py line 40: Batched with norm bn, on a batch of 1 .* more than 1 value"),
    ],
)
def test_an_own_network_is_tried_on_a_batch_of_one(net, problem):
    with pytest.raises(InputError, match=problem):
        try_first_step(spec(model=f"first_lab:{net}", batch_size=1), LARGER.info)
    assert try_first_step(spec(model=f"first_lab:{net}", batch_size=2), LARGER.info) is None


def test_a_norm_after_an_own_networks_pooling_sees_one_pixel_of_any_image():
    pooled = {"model": "first_lab:Pooled"}
    assert "maps of Pooled become 1×1" in try_first_step(spec(**pooled, batch_size=1), LARGER.info).place
    assert try_first_step(spec(**pooled, batch_size=2), LARGER.info) is None
    assert try_first_step(spec(**pooled, norm="gn", groups=8), LARGER.info) is not None
    assert try_first_step(spec(**pooled, norm="gn", groups=4), LARGER.info) is None


def test_images_too_small_for_a_network_are_one_error():
    with pytest.raises(InputError, match="mixer with norm ln, on a batch of 2 and images of 1×1, cannot"):
        try_first_step(spec(model="mixer", norm="ln"), toy_data(n=9, size=1).info)
