"""A user's own network: what is refused and where it is said to be wrong, and what trains one by one."""

import re
import sys

import pytest

from model.errors import InputError
from model.net.examine import OF_THE_NETWORK, why_alone
from model.spec import AXES
from model.training.training import Training
from tests.helpers import ROOT
from tests.helpers.cells import spec, toy_data

DATA = toy_data(n=9)
SOURCE = """\
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self, in_channels, classes, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(in_channels, 8, 3, padding=1), norm(8)
        self.out = nn.Linear(8, classes)
    def forward(self, x):
        return self.out(F.relu(self.norm(self.conv(x))).mean((2, 3)))

class Recurrent(nn.Module):
    def __init__(self, in_channels, classes, norm):
        super().__init__()
        self.rnn, self.norm = nn.LSTM(in_channels * 8, 8, batch_first=True), norm(8)
        self.out = nn.Linear(8, classes)
    def forward(self, x):
        return self.out(self.norm(self.rnn(x.transpose(1, 2).flatten(2))[0][:, -1]))

class Reassigned(Net):
    def __init__(self, *given):
        super().__init__(*given)
        self.register_buffer("mean", torch.zeros(1))
    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean().detach()
        return super().forward(x - self.mean)

class Dropping(Net):
    def forward(self, x): return super().forward(F.dropout(x, 0.5, self.training))
class Short(Net):
    def forward(self, x): return super().forward(x)[:, :2]
class Broken(Net):
    def forward(self, x): return super().forward(x.view(7))
class Divides(Net):
    def forward(self, x): return super().forward(x) / 0
class Unused(Net):
    def __init__(self, *given):
        super().__init__(*given)
        self.more = nn.Linear(3, 3)
class NoNorm(Net):
    def __init__(self, in_channels, classes, norm): super().__init__(in_channels, classes, nn.BatchNorm2d)

class Headless(nn.Module):
    def __init__(self, in_channels, classes, norm):
        super().__init__()
        self.norm, self.head = norm(8), nn.Parameter(torch.ones(8, classes))
    def forward(self, x): return self.norm(x.flatten(1)[:, :8]) @ self.head

class Lazy(Net):
    def __init__(self, in_channels, classes, norm):
        super().__init__(in_channels, classes, norm)
        self.out = nn.LazyLinear(classes)
class Frozen(Net):
    def __init__(self, *given):
        super().__init__(*given)
        self.conv.weight.requires_grad_(False)
class Detached(Net):
    def forward(self, x): return super().forward(x).detach()
class InPlace(Net):
    def forward(self, x): return super().forward(x.sub_(1))

def raises(in_channels, classes, norm): raise KeyError("nothing")
def number(in_channels, classes, norm): return 3
def odd(in_channels, classes, norm): return nn.Sequential(nn.Conv2d(in_channels, 12, 3), norm(12))
value = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """name -> a cell of a network of that name, with gn and G = 4 unless said otherwise."""
    (tmp_path / "own_nets.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_nets", raising=False)
    return lambda name, **changes: spec(**{"model": f"own_nets:{name}", "norm": "gn", "groups": 4, **changes})


def test_cells_that_train_it_otherwise_have_one_network_that_is_looked_at_once(own, monkeypatch):
    cell = own("Net", eps=0.02)  # no other test's
    assert why_alone(cell, DATA.info) is None
    monkeypatch.setattr("model.net.examine.network", lambda *_, **__: pytest.fail("looked at again"))
    monkeypatch.setattr("model.net.examine.module", lambda *_, **__: pytest.fail("looked at again"))
    changes = {"lr": 0.3, "schedule": "cosine", "optimizer": "sgd-nesterov", "batch_size": 2, "epochs": 9}
    for name, value in {**changes, "recipe": "he2015"}.items():
        assert why_alone(own("Net", eps=0.02, zero_gamma=cell.zero_gamma, **{name: value}), DATA.info) is None


def test_every_axis_that_code_of_networks_reads_makes_a_network_another_one():
    """Held against the source: an axis that is added to it is added to what is asked."""
    read = {
        name
        for path in (ROOT / "model/net").rglob("*.py")
        for name in re.findall(r"\bspec\.(\w+)", path.read_text())
    }
    for name in read & set(AXES):
        assert name in OF_THE_NETWORK, name


def test_what_vmap_takes_trains_in_packs(own):
    assert why_alone(own("Net"), DATA.info) is None
    pair, single = Training(own("Net"), [1, 2], DATA), Training(own("Net"), [2], DATA)
    first = [pair.run_epoch()[1].train_loss, single.run_epoch()[0].train_loss]
    assert first[0] == pytest.approx(first[1], rel=1e-5)
    assert pair.state()[0]["weights"].keys() == {
        "conv.weight", "conv.bias", "norm.layer.weight", "norm.layer.bias", "out.weight", "out.bias"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Recurrent", "cannot be stacked"), ("Reassigned", "would not equal its seeds alone")],
)
def test_what_cannot_be_stacked_trains_alone(own, name, reason):
    assert reason in why_alone(own(name), DATA.info)
    training = Training(own(name), [1], DATA)
    assert training.run_epoch()[0].train_loss > 0
    with pytest.raises(ValueError, match="one replica at a time"):
        Training(own(name), [1, 2], DATA)


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("Dropping", 30, "other numbers"),
        ("Short", 32, r"expected logits \[4, 3\]"),
        ("Broken", 35, "does not take images"),
        ("Divides", 36, "NaN or infinity at the first step"),
        ("Unused", 38, "Unused.more.weight is a parameter"),
        ("NoNorm", 42, "never calls norm"),
        ("Lazy", 51, "Lazy.out.weight is of a Lazy layer"),
        ("Frozen", 55, "Frozen.conv.weight asks for no gradient"),
        ("Detached", 59, "logits without a gradient"),
        ("InPlace", 61, "changes the images"),
        ("raises", 64, "KeyError"),
        ("number", 65, "gives a int; expected a torch.nn.Module"),
        ("odd", None, r"own_nets.py line 66: .*8 groups do not divide 12"),
        ("value", None, "own_nets.py: value cannot be called"),
        ("Nett", None, "did you mean Net"),
    ],
)
def test_what_cannot_train_is_one_error_with_file_and_line(own, name, line, problem):
    with pytest.raises(InputError, match=problem) as error:
        why_alone(own(name, groups=8 if name == "odd" else 4), DATA.info)
    assert line is None or f"own_nets.py line {line}: " in str(error.value)
    assert "\n" not in str(error.value)


def test_what_an_axis_needs_of_a_network_is_asked_before_anything_trains(own):
    """agc needs to know the classifier; clipping by norm doesn't."""
    assert why_alone(own("Headless", grad_clip="norm", decay_norm=False), DATA.info) is None
    with pytest.raises(InputError, match=r"own_nets.py line 45: grad_clip agc leaves the classifier alone"):
        why_alone(own("Headless", grad_clip="agc"), DATA.info)
    assert why_alone(own("Net", grad_clip="agc"), DATA.info) is None


def test_width_is_for_networks_that_take_it(own):
    with pytest.raises(InputError, match="no parameter called width"):
        why_alone(own("Net", width=2), DATA.info)
