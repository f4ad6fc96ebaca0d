"""A stored network as an ordinary module: what the pack says, in torch's own layers where there are such."""

import dataclasses

import pytest
import torch
from torch import nn

from model.net import replicas
from model.net.build import network
from model.net.plain import plain_network
from model.own import pinned
from tests.helpers.cells import spec, toy_data
from tests.helpers.replica_rule import registered

DATA = toy_data(n=33)
CELLS = [
    *({"norm": norm, "groups": groups} for norm, groups in registered()),
    {"norm": "bn", "shortcut": "identity", "eps": 1e-2, "width": 2},
    {"norm": "bn", "norm_batch": 2},
    {"norm": "gn", "groups": 4, "weight_standardization": True},
    {"norm": "bn", "model": "mixer"},
    {"norm": "ln", "model": "lstm"},
    {"norm": "frn", "model": "vgg"},
    {"norm": "gn", "groups": 8, "model": "gnresnet"},
]


def of_pack(cell, dtype):
    """A pack of three whose tensors are random numbers, buffers too, and each one's share of them."""
    torch.manual_seed(0)
    pack = network(cell, DATA.info, [1, 2, 3], zero_gamma=False).to(dtype).eval()
    tensors = {**dict(pack.named_parameters()), **dict(pack.named_buffers())}
    with torch.no_grad():
        for tensor in tensors.values():
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.rand_like(tensor) * 0.3 + 0.1)
    return pack, replicas.unstack(tensors, 3)


@pytest.mark.parametrize(
    ("changes", "dtype"),
    [
        *((cell, torch.float64) for cell in CELLS),
        ({"norm": "bn"}, torch.float32),
        ({"norm": "ln"}, torch.float32),
    ],
    ids=str,
)
def test_it_says_what_the_pack_says(changes, dtype):
    cell = spec(**changes)
    pack, shares = of_pack(cell, dtype)
    x = torch.randn(3, 9, 8, 8, dtype=dtype)
    expected = pack(x)
    for replica, weights in enumerate(shares):
        net = plain_network(cell, DATA.info, 33).to(dtype).eval()
        net.load_state_dict(weights)
        torch.testing.assert_close(net(x[:, 3 * replica : 3 * replica + 3]), expected[replica])


@pytest.mark.parametrize(("norm", "groups"), [("MeanOnlyNorm", None), ("L1GroupNorm", 4)])
def test_a_norm_of_ones_own(norm, groups, monkeypatch):
    monkeypatch.syspath_prepend("examples/own_norm")
    cell = spec(norm=pinned(f"lab_norms:{norm}"), groups=groups)
    pack, shares = of_pack(cell, torch.float64)
    x = torch.randn(3, 9, 8, 8, dtype=torch.float64)
    net = plain_network(cell, DATA.info, 33).double().eval()
    net.load_state_dict(shares[1])
    torch.testing.assert_close(net(x[:, 3:6]), pack(x)[1])


def test_its_layers_are_torchs_own():
    kinds = [type(module) for module in plain_network(spec(), DATA.info, 33).modules()]
    assert (kinds.count(nn.Conv2d), kinds.count(nn.BatchNorm2d), kinds.count(nn.Linear)) == (21, 21, 1)
    grouped = plain_network(dataclasses.replace(spec(norm="gn", groups=4)), DATA.info, 33)
    assert {m.num_groups for m in grouped.modules() if isinstance(m, nn.GroupNorm)} == {4}


def test_it_trains_as_any_module():
    net = plain_network(spec(norm="brn"), DATA.info, 33).train()
    assert {module.total_steps for module in net.modules() if hasattr(module, "steps")} == {24}
    net(torch.randn(4, 3, 8, 8)).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
