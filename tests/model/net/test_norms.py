"""Each norm against torch's own layer, alone and with a replica axis, in float64."""

import pytest
import torch
from torch import nn

from model.net.norms.layer import Settings, gamma_of
from model.net.norms.registry import LAYERS, norm_layer
from model.norm_table import NORM_TABLE, NORMS
from tests.helpers.replica_rule import C, H, N, W, hold_to_the_replica_rule, registered


class AffineLayerNorm(nn.Module):
    """torch's LayerNorm over C, H, W, followed by γ and β per channel."""

    def __init__(self):
        super().__init__()
        self.inner = nn.LayerNorm([C, H, W], elementwise_affine=False)
        self.weight = nn.Parameter(torch.ones(C))
        self.bias = nn.Parameter(torch.zeros(C))

    def forward(self, x):
        return self.inner(x) * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


REFERENCES = {
    ("bn", None): lambda: nn.BatchNorm2d(C),
    ("gn", 2): lambda: nn.GroupNorm(2, C),
    ("gn", 8): lambda: nn.GroupNorm(8, C),
    ("ln", None): AffineLayerNorm,
    ("in", None): lambda: nn.InstanceNorm2d(C, affine=True),
}


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(("name", "groups"), REFERENCES)
def test_forward_backward_and_statistics_are_torchs(name, groups, replicas):
    torch.manual_seed(1)
    ours = norm_layer(name, Settings(channels=C, replicas=replicas, groups=groups)).double()
    theirs = [REFERENCES[name, groups]().double() for _ in range(replicas)]
    weight, bias = torch.randn(2, replicas * C, dtype=torch.float64)
    with torch.no_grad():
        ours.weight.copy_(weight)
        ours.bias.copy_(bias)
        for r, layer in enumerate(theirs):
            layer.weight.copy_(weight[r * C : (r + 1) * C])
            layer.bias.copy_(bias[r * C : (r + 1) * C])
    for _ in range(3):  # running statistics over several batches
        x = torch.randn(N, replicas * C, H, W, dtype=torch.float64, requires_grad=True)
        towards = torch.randn_like(x)
        parts = [part.detach().requires_grad_() for part in x.chunk(replicas, 1)]
        out = ours(x)
        expected = [layer(part) for layer, part in zip(theirs, parts, strict=True)]
        torch.testing.assert_close(out, torch.cat(expected, 1))
        out.backward(towards)
        for layer_out, part in zip(expected, towards.chunk(replicas, 1), strict=True):
            layer_out.backward(part)
        torch.testing.assert_close(x.grad, torch.cat([p.grad for p in parts], 1))
    torch.testing.assert_close(ours.weight.grad, torch.cat([m.weight.grad for m in theirs]))
    torch.testing.assert_close(ours.bias.grad, torch.cat([m.bias.grad for m in theirs]))
    for statistic, _ in ours.named_buffers():
        torch.testing.assert_close(
            ours.get_buffer(statistic), torch.cat([m.get_buffer(statistic) for m in theirs])
        )
    ours.eval()
    x = torch.randn(2, replicas * C, H, W, dtype=torch.float64)
    expected = [m.eval()(part) for m, part in zip(theirs, x.chunk(replicas, 1), strict=True)]
    torch.testing.assert_close(ours(x), torch.cat(expected, 1))


def test_every_norm_that_can_be_declared_has_a_layer():
    assert tuple(LAYERS) == NORMS


@pytest.mark.parametrize(("name", "groups"), registered())
@pytest.mark.parametrize("where", [{}, {"norm_batch": 2}, {"activation": False, "ends_branch": True}])
def test_no_registered_norm_mixes_replicas(name, groups, where):
    hold_to_the_replica_rule(name, groups, **where)


class Planted(nn.Module):
    """Layer norm as if R·C channels were one network's: it mixes the replicas, and only they show it."""

    def __init__(self, channels, replicas):
        super().__init__()
        self.inner = nn.GroupNorm(1, replicas * channels)

    def forward(self, x):
        return self.inner(x)


class Leaky(nn.Module):
    """Fine forwards in training; in evaluation it uses a statistic of all replicas."""

    def __init__(self, channels, replicas):
        super().__init__()
        self.inner = nn.BatchNorm2d(replicas * channels)

    def forward(self, x):
        out = self.inner(x)
        return out if self.training else out + self.inner.running_mean.mean()


@pytest.mark.parametrize("layer", [Planted, Leaky])
def test_a_norm_that_mixes_replicas_is_caught_under_any_name(layer, monkeypatch):
    monkeypatch.setitem(LAYERS, "planted", lambda of: layer(of.channels, of.replicas))
    assert ("planted", None) in registered()
    with pytest.raises(AssertionError):
        hold_to_the_replica_rule("planted", None)


@pytest.mark.parametrize(("name", "groups"), registered())
def test_the_table_knows_what_a_layer_is(name, groups):
    """Whether it has running statistics, brings its activation, and takes G."""
    torch.manual_seed(0)
    layer, fact = norm_layer(name, Settings(channels=C, groups=groups)), NORM_TABLE[name]
    before = {key: buffer.clone() for key, buffer in layer.named_buffers()}
    layer(torch.randn(N, C, H, W) + 1)
    assert fact.running == any(not torch.equal(b, before[key]) for key, b in layer.named_buffers())
    assert fact.activates == getattr(layer, "activates", False)
    assert fact.groups == (groups is not None)
    assert (fact.norm_momentum is not None) == fact.running


@pytest.mark.parametrize(
    ("name", "groups"), [("bn", 8), ("gn", None), ("gn", 3), ("bgn", None), ("evos0", 5)]
)
def test_groups_that_make_no_sense_are_refused(name, groups):
    with pytest.raises(ValueError, match="groups"):
        norm_layer(name, Settings(channels=C, groups=groups))


@pytest.mark.parametrize(("name", "groups"), registered())
def test_under_autocast_statistics_are_those_of_float32(name, groups):
    """Of the same activations, as a convolution in bfloat16 gives them; the output is as rough as its input."""
    exact, rough = (norm_layer(name, Settings(channels=C, groups=groups)) for _ in range(2))
    for _ in range(2):
        x = torch.randn(N, C, H, W).bfloat16()
        half, whole = x.clone().requires_grad_(), x.float().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            out = rough(half)
        expected = exact(whole)
        torch.testing.assert_close(out.float(), expected, rtol=0.02, atol=0.02)
        towards = torch.randn_like(expected).bfloat16()
        out.backward(towards.to(out.dtype))
        expected.backward(towards.float())
        torch.testing.assert_close(half.grad.float(), whole.grad, rtol=0.05, atol=0.05)
    for ours, theirs in zip(rough.buffers(), exact.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "groups"), registered())
def test_the_table_says_what_a_layer_does(name, groups):
    layer, known = norm_layer(name, Settings(channels=C, groups=groups, ends_branch=True)), NORM_TABLE[name]
    assert known.gamma == (gamma_of(layer) is not None)
    if not known.gamma:
        layer.scale.data.fill_(1.0)
    assert known.scales == (layer(1000 * torch.randn(N, C, H, W)).std() < 100)
