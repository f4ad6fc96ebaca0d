"""The networks that ship beside He et al.'s: a pack is its solo runs in float64, and they are what they say."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from model.architectures import ARCHITECTURES
from model.net.build import MAKERS, module, network
from model.net.convolution import convolve
from model.spec import MODELS
from model.training.training import Training
from tests.helpers.cells import spec, toy_data

DATA = toy_data(n=33)
#: Every network with every norm that its table names, or else with a few of each kind.
CELLS = [
    (model, norm, 4 if norm in ("gn", "rms") else None)
    for model in MAKERS
    for norm in (ARCHITECTURES[model].norms or ("bn", "gn", "none"))
    if model != "resnet18"
]
#: 11 million weights, in float64 with gradients, of two replicas in a pack and two alone: not for every run.
CELLS += [pytest.param("resnet18", norm, g, marks=pytest.mark.slow) for norm, g in (("bn", None), ("gn", 8))]


def parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(("model", "norm", "groups"), CELLS)
def test_a_pack_equals_its_solo_runs(model, norm, groups):
    """Outputs, gradients and buffers in float64 over two batches; replicas see numbers of different size."""
    torch.manual_seed(0)
    cell, seeds = spec(model=model, norm=norm, groups=groups), (3, 1)
    packed = network(cell, DATA.info, seeds, zero_gamma=False).double()
    alone = [network(cell, DATA.info, [seed], zero_gamma=False, together=False).double() for seed in seeds]
    packed.compute_by(convolve("ordered", torch.channels_last))
    for training in (True, True, False):
        parts = [4.0**r * torch.randn(3, 3, 8, 8, dtype=torch.float64) + r for r in range(len(seeds))]
        out = packed.train(training)(torch.cat(parts, 1))
        expected = torch.cat([net.train(training)(part) for net, part in zip(alone, parts, strict=True)])
        torch.testing.assert_close(out, expected)
        towards = torch.randn_like(out)
        out.backward(towards)
        expected.backward(towards)
    theirs = [dict(net.named_parameters()) for net in alone]
    for name, parameter in packed.named_parameters():
        torch.testing.assert_close(parameter.grad, torch.cat([other[name].grad for other in theirs]))
    theirs = [dict(net.named_buffers()) for net in alone]
    for name, buffer in packed.named_buffers():
        torch.testing.assert_close(buffer, torch.cat([other[name] for other in theirs]))


@pytest.mark.parametrize("model", [model for model in MAKERS if model != "resnet18"])
def test_its_loss_falls(model):
    data = toy_data(n=64)
    training = Training(spec(model=model, norm="ln", batch_size=8, epochs=3), [1, 2], data)
    first, *_, last = [training.run_epoch() for _ in range(3)]
    assert all(after.train_loss < before.train_loss for before, after in zip(first, last, strict=True))


@pytest.mark.slow
def test_the_loss_of_resnet18_falls():
    training = Training(spec(model="resnet18", norm="ln", batch_size=8, epochs=3), [1], toy_data(n=96))
    first, *_, last = [training.run_epoch() for _ in range(3)]
    assert last[0].train_loss < first[0].train_loss


def test_a_state_goes_on_in_another_pack():
    cell, data = spec(model="vgg", norm="bn", epochs=2), toy_data(n=9)
    pair, single = Training(cell, [1, 2], data), Training(cell, [2], data)
    pair.run_epoch()
    single.load_state([pair.state()[1]])
    for (name, ours), theirs in zip(
        single.state()[0]["weights"].items(), pair.state()[1]["weights"].values(), strict=True
    ):
        assert torch.equal(ours, theirs), name
    expected = pair.run_epoch()[1]
    assert single.run_epoch()[0].train_loss == pytest.approx(expected.train_loss, rel=1e-4)


def test_seeds_differ_and_norms_of_one_seed_start_alike():
    vgg = [module(spec(model="vgg", norm=n), DATA.info, s, zero_gamma=False, together=False) for n, s in
           (("bn", 1), ("ln", 1), ("bn", 2))]  # fmt: skip
    bn, ln, other = (net.features[0].weight for net in vgg)
    assert torch.equal(bn, ln)
    assert not torch.equal(bn, other)


def test_making_a_network_leaves_torchs_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    network(spec(model="mixer", norm="ln"), DATA.info, [1], zero_gamma=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_resnet18_is_torchvisions_with_a_small_stem():
    torchvision = pytest.importorskip("torchvision")
    theirs = torchvision.models.resnet18(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    cell = spec(model="resnet18", norm="bn")
    info = dataclasses.replace(DATA.info, classes=tuple("0123456789"))
    ours = module(cell, info, 1, zero_gamma=False, together=False)
    assert parameters(ours) == parameters(theirs) == 11_173_962
    renamed = {
        name.replace(".layer.", ".").replace("bn1.0.", "bn1."): value
        for name, value in ours.state_dict().items()
    }
    assert not theirs.load_state_dict(renamed, strict=False).unexpected_keys
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(ours.double().eval()(x), theirs.double().eval()(x))


def test_the_lstm_is_equations_20_to_22_of_ba_et_al():
    """Against torch's LayerNorm in a loop of our own over rows."""
    net = module(spec(model="lstm", norm="ln"), DATA.info, 1, zero_gamma=False, together=False).double()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    units = net.of_state.in_features
    h = c = torch.zeros(2, units, dtype=torch.float64)
    for row in range(8):
        seen = torch.cat([x[:, 0, row], x[:, 1, row], x[:, 2, row]], 1)
        gates = F.layer_norm(seen @ net.of_input.weight.T, [4 * units]) + net.bias
        gates = gates + F.layer_norm(h @ net.of_state.weight.T, [4 * units])
        f, i, o, g = (gates[:, n * units : (n + 1) * units] for n in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(F.layer_norm(c, [units]))
    torch.testing.assert_close(net(x), F.linear(h, net.classifier.weight, net.classifier.bias))


def test_the_patches_of_the_mixer_are_those_of_a_convolution():
    net = module(spec(model="mixer", norm="ln"), DATA.info, 1, zero_gamma=False, together=False)
    x = torch.randn(2, 3, 8, 8)
    weight = net.embed.weight.view(-1, 3, 2, 2)
    expected = F.conv2d(x, weight, net.embed.bias, stride=2).flatten(2).transpose(1, 2)
    torch.testing.assert_close(net.embed(net.patches(x)), expected)


@pytest.mark.parametrize("model", [*MAKERS, "resnet20"])
def test_the_channels_in_the_table_are_those_of_the_norms(model):
    """Of width 2 too: G is checked against them before anything is built."""
    for width in (1,) if model == "resnet18" else (1, 2):
        cell = spec(model=model, norm="ln", width=width)
        net = network(cell, DATA.info, [1], zero_gamma=False)
        seen = {
            parameter.numel()
            for name, parameter in net.named_parameters()
            if "norm" in name or ".layer." in name
        }
        weights = {n for n in seen if n in ARCHITECTURES[model].widths(width)}
        assert weights == set(ARCHITECTURES[model].widths(width))


def test_twice_the_width_is_about_four_times_the_weights():
    one, two = (
        parameters(network(spec(norm="bn", width=width), DATA.info, [1], zero_gamma=False))
        for width in (1, 2)
    )
    assert 3.9 < two / one < 4


def test_zero_gamma_makes_every_branch_start_at_nothing():
    net = module(spec(model="gnresnet", norm="gn", groups=8), DATA.info, 1, zero_gamma=True, together=False)
    x = F.relu(torch.randn(1, 32, 4, 4))
    torch.testing.assert_close(net.layer1(x), x)


def test_every_network_of_the_table_can_be_built():
    assert set(ARCHITECTURES) == {*MODELS, *MAKERS}


class Shared(nn.Module):
    """One layer at two places, and one weight in two layers."""

    def __init__(self, norm):
        super().__init__()
        inner, other = nn.Linear(8, 8), nn.Linear(8, 8)
        other.weight = inner.weight
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(192, 8), inner, norm(8), inner, other, nn.Linear(8, 3)
        )

    def forward(self, x):
        return self.net(x)


def test_a_weight_in_several_places_stays_one(monkeypatch):
    monkeypatch.setitem(MAKERS, "vgg", lambda channels, classes, norm: Shared(norm))
    cell = spec(model="vgg", norm="ln")
    packed = network(cell, DATA.info, [1, 2], zero_gamma=False).double()
    alone = [network(cell, DATA.info, [s], zero_gamma=False, together=False).double() for s in (1, 2)]
    x = torch.randn(2, 6, 8, 8, dtype=torch.float64)
    out, expected = packed(x), torch.cat([net(part) for net, part in zip(alone, x.chunk(2, 1), strict=True)])
    torch.testing.assert_close(out, expected)
    out.sum().backward()
    expected.sum().backward()
    for name, parameter in packed.named_parameters():
        theirs = [dict(net.named_parameters())[name].grad for net in alone]
        torch.testing.assert_close(parameter.grad, torch.cat(theirs))
