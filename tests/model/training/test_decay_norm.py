"""Weight decay with and without the norms' own parameters, against torch's parameter groups."""

import copy

import pytest
import torch
from torch import nn

from model.errors import InputError
from model.net.build import MAKERS, network
from model.net.parts import of_the_norms
from model.net.resnet import Classifier, Conv
from model.training.step import Step
from model.training.training import Training
from tests.helpers.cells import spec, toy_data
from tests.helpers.replica_rule import registered

DATA = toy_data(n=18)
MODELS = [*(model for model in MAKERS if model != "resnet18"), "resnet20"]


def of_layers(net, kinds):
    """The parameters of layers of torch's or ours that are of these kinds, by identity."""
    return {id(p) for module in net.modules() if isinstance(module, kinds) for p in module.parameters()}


@pytest.mark.parametrize("model", MODELS)
def test_the_norms_parameters_are_all_but_those_of_other_layers(model):
    """Convolutions, linear layers and the LSTM's own bias decay; what is left is the norms'."""
    net = network(spec(model=model, norm="ln"), DATA.info, [1, 2], zero_gamma=False)
    others = of_layers(net, (nn.Conv2d, nn.Linear, Conv, Classifier))
    norms = of_the_norms(net)
    for number, (name, parameter) in enumerate(net.named_parameters()):
        assert (number in norms) == (id(parameter) not in others and name != "bias"), name


@pytest.mark.parametrize(("norm", "groups"), registered())
def test_every_norm_has_something_that_can_decay(norm, groups):
    net = network(spec(norm=norm, groups=groups), DATA.info, [1], zero_gamma=False)
    names = [name for name, _ in net.named_parameters()]
    found = {names[number] for number in of_the_norms(net)}
    assert found == {name for name in names if ".norm" in f".{name}"}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_update_is_torchs_with_two_groups_of_parameters(optimizer, dtype):
    net = network(spec(), DATA.info, [1, 2], zero_gamma=False).to(dtype=dtype)
    twin = copy.deepcopy(net)
    step = Step(net, [spec(optimizer=optimizer, weight_decay=0.1, decay_norm=False)] * 2)
    named = dict(twin.named_parameters())
    norms = [p for name, p in named.items() if ".norm" in f".{name}"]
    others = [p for name, p in named.items() if ".norm" not in f".{name}"]
    kind = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
    }
    theirs = kind[optimizer](
        [{"params": others, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}]
    )
    torch.manual_seed(0)
    for _ in range(3):
        grads = [torch.randn_like(p) for p in net.parameters()]
        for p, g in zip(twin.parameters(), grads, strict=True):
            p.grad = g
        theirs.step()
        step.optimizer.update(grads, [0.1])
    for (name, p), q in zip(net.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q, msg=lambda m, name=name: f"{name}: {m}")


def test_replicas_that_differ_in_it_are_each_their_solo_run():
    cells = [spec(batch_size=8, weight_decay=0.2, decay_norm=decays) for decays in (True, False, True)]
    packed = Training(cells, [1, 2, 3], DATA)
    together = [packed.run_epoch() for _ in range(2)]
    for r, (cell, state) in enumerate(zip(cells, packed.state(), strict=True)):
        alone = Training([cell], [r + 1], DATA)
        assert [alone.run_epoch()[0] for _ in range(2)] == [metrics[r] for metrics in together]
        assert all(torch.equal(state["weights"][k], v) for k, v in alone.state()[0]["weights"].items())


@pytest.mark.parametrize(
    ("parameters", "count"), [("", 0), ("self.gain = nn.Parameter(torch.ones(channels))", 1)]
)
def test_all_that_an_own_norm_has_is_the_norms(tmp_path, monkeypatch, parameters, count):
    """Whatever it is called; one that has nothing is told."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"decaylab{count}"
    (tmp_path / f"{name}.py").write_text(
        f"import torch\nfrom torch import nn\n\n\nclass Mine(nn.Module):\n    def __init__(self, channels):\n"
        f"        super().__init__()\n        {parameters or 'pass'}\n\n"
        f"    def forward(self, x):\n        return x * getattr(self, 'gain', torch.ones(1)).view(-1, 1, 1)\n"
    )
    cell = spec(norm=f"{name}:Mine", decay_norm=False)
    if not count:
        with pytest.raises(InputError, match="decay_norm: false, but the norm has no parameters"):
            Training(cell, [1, 2], DATA)
        return
    net = Training(cell, [1, 2], DATA).net
    assert len(of_the_norms(net)) == 21
