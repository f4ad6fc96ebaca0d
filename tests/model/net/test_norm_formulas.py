"""The norms that torch has no layer for, against their papers' formulas written out in numpy, in float64.

Gradients are compared with differences of those formulas, so that nothing here knows autograd.
"""

import numpy as np
import pytest
import torch

from model.net.norms.layer import Settings, activated
from model.net.norms.registry import norm_layer

N, C, H, W, G = 4, 6, 3, 2, 3
EPS = 1e-5


def each(values):
    """Per channel, beside [N, C, H, W]."""
    return values[:, None, None]


def affine(x, p):
    return each(p["weight"]) * x + each(p["bias"])


def in_groups(x):
    return x.reshape(len(x), G, -1)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def rms(x, p):
    parts = in_groups(x)
    return affine((parts / np.sqrt((parts**2).mean(2, keepdims=True) + EPS)).reshape(x.shape), p)


def batch_group(x, p):
    parts = x.reshape(len(x), G, C // G, H, W)
    mean, var = (f(parts, (0, 2, 3, 4), keepdims=True) for f in (np.mean, np.var))
    return affine(((parts - mean) / np.sqrt(var + EPS)).reshape(x.shape), p)


def response(x, p):
    return np.maximum(affine(x / np.sqrt((x**2).mean((2, 3), keepdims=True) + EPS), p), each(p["threshold"]))


def evonorm_b0(x, p):
    batch = np.sqrt(x.var((0, 2, 3), keepdims=True) + EPS)
    image = np.sqrt(x.var((2, 3), keepdims=True) + EPS)
    return affine(x / np.maximum(batch, each(p["v"]) * x + image), p)


def evonorm_s0(x, p):
    std = np.sqrt(in_groups(x).var(2, keepdims=True) + EPS)
    return affine((in_groups(x * logistic(each(p["v"]) * x)) / std).reshape(x.shape), p)


def dynamic_tanh(x, p):
    return affine(np.tanh(p["alpha"][0] * x), p)


def frozen(x, p):
    return affine(x / np.sqrt(1 + EPS), p)


def no_norm(x, p):
    return x + each(p["bias"])


def ghost_batch(x, p):
    """Two images share statistics."""
    parts = x.reshape(N // 2, 2, C, H, W)
    mean, var = (f(parts, (1, 3, 4), keepdims=True) for f in (np.mean, np.var))
    return affine(((parts - mean) / np.sqrt(var + EPS)).reshape(x.shape), p)


FORMULAS = [
    ("rms", {"groups": G}, rms),
    ("bgn", {"groups": G}, batch_group),
    ("frn", {}, response),
    ("evob0", {}, evonorm_b0),
    ("evos0", {"groups": G}, evonorm_s0),
    ("dyt", {}, dynamic_tanh),
    ("fbn", {}, frozen),
    ("none", {}, no_norm),
    ("bn", {"norm_batch": 2}, ghost_batch),
]


def made(name, **settings):
    """A layer in float64 with random parameters, an input, and where its output should go."""
    torch.manual_seed(3)
    layer = norm_layer(name, Settings(channels=C, eps=EPS, **settings)).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
    x = torch.randn(N, C, H, W, dtype=torch.float64) * 2 + 0.5
    return layer, x.requires_grad_(), torch.randn_like(x)


def hold_gradients(layer, x, towards, formula):
    """Those of sum(layer(x)·towards), of x and of every parameter, against central differences."""
    (layer(x) * towards).sum().backward()
    values = {"x": x.detach().numpy().copy()} | {
        name: p.detach().numpy().copy() for name, p in layer.named_parameters()
    }
    for name, tensor in [("x", x), *layer.named_parameters()]:
        found, step = np.zeros(tensor.numel()), 1e-6
        for place in range(tensor.numel()):
            ends = []
            for sign in (1, -1):
                moved = {key: value.copy() for key, value in values.items()}
                moved[name].flat[place] += sign * step
                ends.append((formula(moved.pop("x"), moved) * towards.numpy()).sum())
            found[place] = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(tensor.grad.numpy().ravel(), found, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(("name", "settings", "formula"), FORMULAS)
def test_forward_and_backward_are_the_papers(name, settings, formula):
    layer, x, towards = made(name, **settings)
    parameters = {key: p.detach().numpy() for key, p in layer.named_parameters()}
    np.testing.assert_allclose(layer(x).detach().numpy(), formula(x.detach().numpy(), parameters), rtol=1e-10)
    hold_gradients(layer, x, towards, formula)


@pytest.mark.parametrize("name", ["evob0", "evos0"])
def test_an_evonorm_before_an_addition_is_linear(name):
    layer, x, _ = made(name, groups=G if name == "evos0" else None, activation=False)
    np.testing.assert_allclose(
        layer(x).detach().numpy(),
        affine(
            x.detach().numpy(), {"weight": layer.weight.detach().numpy(), "bias": layer.bias.detach().numpy()}
        ),
    )
    assert not list(layer.buffers())


def test_filter_response_norm_before_an_addition_has_no_threshold():
    layer, _, _ = made("frn", activation=False)
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}


def test_only_a_norm_with_an_activation_of_its_own_goes_without_relu():
    for name, below_zero in (("bn", False), ("frn", True), ("evob0", True)):
        layer, x, _ = made(name)
        assert (activated(layer, x.detach()).min() < 0) == below_zero, name


def test_without_a_norm_a_branch_starts_at_nothing():
    """SkipInit."""
    layer = norm_layer("none", Settings(channels=C, replicas=2, ends_branch=True))
    x = torch.randn(N, 2 * C, H, W)
    assert torch.equal(layer(x), torch.zeros_like(x))
    with torch.no_grad():
        layer.scale.copy_(torch.tensor([2.0, 3.0]))
        assert torch.equal(layer(x), torch.cat([2 * x[:, :C], 3 * x[:, C:]], 1))


def test_batch_group_statistics_run_and_are_used_in_evaluation():
    layer, x, _ = made("bgn", groups=G, momentum=0.3)
    layer(x)
    parts = x.detach().numpy().reshape(N, G, -1)
    mean = 0.3 * parts.mean((0, 2))
    var = 0.7 + 0.3 * parts.var((0, 2), ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    np.testing.assert_allclose(layer.running_var.numpy(), var)
    expected = ((parts - mean[:, None]) / np.sqrt(var[:, None] + EPS)).reshape(x.shape)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    np.testing.assert_allclose(
        layer.eval()(x).detach().numpy(), affine(expected, {"weight": weight, "bias": bias})
    )


def test_evonorm_b0_runs_the_biased_variance():
    layer, x, _ = made("evob0", momentum=0.3)
    layer(x)
    var = 0.7 + 0.3 * x.detach().numpy().var((0, 2, 3))
    np.testing.assert_allclose(layer.running_var.numpy(), var)
    image = np.sqrt(x.detach().numpy().var((2, 3), keepdims=True) + EPS)
    p = {name: parameter.detach().numpy() for name, parameter in layer.named_parameters()}
    below = np.maximum(np.sqrt(each(var) + EPS), each(p["v"]) * x.detach().numpy() + image)
    np.testing.assert_allclose(layer.eval()(x).detach().numpy(), affine(x.detach().numpy() / below, p))


def test_ghost_batches_move_the_running_statistics_one_after_the_other():
    """Hoffer et al. 2017, algorithm 1: μ ← (1 − η)·μ + η·μ_l for each ghost batch l."""
    layer, x, _ = made("bn", norm_batch=2, momentum=0.3)
    layer(x)
    mean, var = np.zeros(C), np.ones(C)
    for part in np.split(x.detach().numpy(), 2):
        mean = 0.7 * mean + 0.3 * part.mean((0, 2, 3))
        var = 0.7 * var + 0.3 * part.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    np.testing.assert_allclose(layer.running_var.numpy(), var)


def renorm_bounds(done):
    """r_max and d_max when so much of the training is done."""
    return np.interp(done, [1 / 32, 1 / 4], [1, 3]), np.interp(done, [1 / 32, 5 / 32], [0, 5])


@pytest.mark.parametrize("norm_batch", [None, 2])
def test_batch_renorm_over_a_whole_training(norm_batch):
    """Every step of 64: outputs, gradients with r and d held, μ and σ; then evaluation."""
    layer, x, towards = made("brn", momentum=0.1, norm_batch=norm_batch)
    layer.total_steps = 64
    p = {name: parameter.detach().numpy() for name, parameter in layer.named_parameters()}
    mean, std, size = np.zeros(C), np.ones(C), norm_batch or N
    for step in range(64):
        r_max, d_max = renorm_bounds(step / 64)
        held, expected = [], []
        for part in np.split(x.detach().numpy(), N // size):
            batch_mean, batch_std = part.mean((0, 2, 3)), np.sqrt(part.var((0, 2, 3)) + EPS)
            r = np.clip(batch_std / std, 1 / r_max, r_max)
            d = np.clip((batch_mean - mean) / std, -d_max, d_max)
            expected.append(affine(each(r) * (part - each(batch_mean)) / each(batch_std) + each(d), p))
            held.append((r, d))
            mean, std = mean + 0.1 * (batch_mean - mean), std + 0.1 * (batch_std - std)
        if step == 8:  # bounds on their way
            layer.zero_grad()

            def formula(x, p, held=held):
                out = []
                for part, (r, d) in zip(np.split(x, N // size), held, strict=True):
                    normal = (part - part.mean((0, 2, 3), keepdims=True)) / np.sqrt(
                        part.var((0, 2, 3), keepdims=True) + EPS
                    )
                    out.append(affine(each(r) * normal + each(d), p))
                return np.concatenate(out)

            hold_gradients(layer, x, towards, formula)
        else:
            np.testing.assert_allclose(
                layer(x).detach().numpy(), np.concatenate(expected), rtol=1e-9, atol=1e-12
            )
        np.testing.assert_allclose(layer.running_mean.numpy(), mean)
        np.testing.assert_allclose(layer.running_std.numpy(), std)
    assert layer.steps.tolist() == [64]
    np.testing.assert_allclose(
        layer.eval()(x).detach().numpy(),
        affine((x.detach().numpy() - each(mean)) / each(std), p),
        rtol=1e-9,
        atol=1e-12,
    )


def test_batch_renorm_begins_as_batch_norm():
    """Until a 32nd of the training r is 1 and d is 0."""
    renorm, x, _ = made("brn")
    norm, _, _ = made("bn")
    renorm.total_steps = 1000
    torch.testing.assert_close(renorm(x), norm(x))
