"""A norm that a user brings: both forms against torch's own layers, and every way that it can be wrong."""

import importlib
import sys

import pytest
import torch
from torch import nn

from model.errors import InputError
from model.net.norms.examine import why_norm_alone
from model.net.norms.layer import Settings, gamma_of
from model.net.norms.own import own_layer
from model.net.norms.registry import norm_layer

HEAD = "import torch\nfrom torch import nn\n\n\n"
PLAIN = HEAD + "class Mine(nn.BatchNorm2d):\n    pass\n"
TOGETHER = (
    HEAD
    + """
class Mine(nn.Module):
    def __init__(self, channels, replicas, groups=1):
        super().__init__()
        self.inner = nn.GroupNorm(replicas * groups, replicas * channels)

    def forward(self, x):
        return self.inner(x)
"""
)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Writes a module of norms and gives the import path of the one called Mine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(text):
        name = f"lab_{tmp_path.name.replace('-', '_')}_{len(made)}"
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        made.append(name)
        return f"{name}:Mine"

    yield write
    for name in made:
        sys.modules.pop(name, None)


def body(forward, init="pass", parameters="channels"):
    return (
        HEAD
        + f"""
class Mine(nn.Module):
    def __init__(self, {parameters}):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        {init}

    def forward(self, x):
        {forward}
"""
    )


def test_an_ordinary_module_is_one_per_replica(lab):
    """torch's BatchNorm2d, its running statistics and its counter among them, over three batches."""
    torch.manual_seed(0)
    ours = own_layer(lab(PLAIN), Settings(channels=6, replicas=3)).double()
    theirs = [nn.BatchNorm2d(6).double() for _ in range(3)]
    with torch.no_grad():
        for layer, part in zip(theirs, ours.one.weight.copy_(torch.randn(18)).chunk(3), strict=True):
            layer.weight.copy_(part)
    for training in (True, True, True, False):
        x = torch.randn(4, 18, 5, 3, dtype=torch.float64) * 3 + 1
        out = ours.train(training)(x)
        expected = [layer.train(training)(part) for layer, part in zip(theirs, x.chunk(3, 1), strict=True)]
        torch.testing.assert_close(out, torch.cat(expected, 1))
        out.sum().backward()
        torch.cat(expected, 1).sum().backward()
    torch.testing.assert_close(ours.one.weight.grad, torch.cat([layer.weight.grad for layer in theirs]))
    torch.testing.assert_close(ours.one.running_var, torch.cat([layer.running_var for layer in theirs]))
    assert ours.one.num_batches_tracked.tolist() == [3, 3, 3]


def test_a_buffer_that_is_put_anew_is_kept(lab):
    text = body(
        "self.seen = self.seen + x.mean(); return x * self.weight.view(-1, 1, 1)",
        'self.register_buffer("seen", torch.zeros(()))',
    )
    layer = own_layer(lab(text), Settings(channels=2, replicas=2)).double()
    layer(torch.tensor([1.0, 1.0, 5.0, 5.0]).double().view(1, 4, 1, 1))
    layer(torch.tensor([1.0, 1.0, 5.0, 5.0]).double().view(1, 4, 1, 1))
    assert layer.one.seen.tolist() == [2.0, 10.0]


def test_a_layer_of_all_replicas_is_taken_as_it_is(lab):
    ours = norm_layer(lab(TOGETHER), Settings(channels=8, replicas=2, groups=4))
    x = torch.randn(3, 16, 4, 4)
    torch.testing.assert_close(ours(x), nn.GroupNorm(8, 16)(x))


@pytest.mark.parametrize(("text", "groups"), [(PLAIN, None), (TOGETHER, 4), (TOGETHER, None)])
def test_what_keeps_replicas_apart_can_be_packed(lab, text, groups):
    assert why_norm_alone(lab(text), groups) is None


ONE_FOR_ALL = TOGETHER.replace(
    "        self.inner", "        self.a = nn.Parameter(torch.ones(1))\n        self.inner"
).replace("self.inner(x)", "self.a * self.inner(x)")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TOGETHER.replace("replicas * groups, ", "groups, "), "the output is another"),
        (ONE_FOR_ALL, "a is another"),
        (ONE_FOR_ALL.replace("ones(1)", "ones(())"), "a has no share for each replica"),
        (TOGETHER.replace("super()", "assert replicas == 1; super()"), "cannot be made"),
    ],
)
def test_what_mixes_replicas_trains_alone_and_says_why(lab, text, why):
    assert why in why_norm_alone(lab(text))


def test_what_is_not_in_its_state_is_refused(lab):
    text = body(
        "self.calls += 1; return (1 + self.calls % 2) * x * self.weight.view(-1, 1, 1)", "self.calls = 0"
    )
    with pytest.raises(InputError, match="does not go on from its own state"):
        why_norm_alone(lab(text.replace("self.calls % 2", "(self.calls > 2)")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Mine = 3\n", "is a int, expected a class or a function"),
        (body("return x", parameters="channels, width"), r"\.py: norm Mine cannot be made from \(channels\)"),
        (HEAD + "def Mine(channels):\n    return 3\n", "line 5: norm Mine gives a int"),
        (
            HEAD + "def Mine(channels):\n    raise OSError('no disk')\n",
            "line 6: .*cannot be made.*OSError: no disk",
        ),
        (body("return x[:, :1] * self.weight[0]"), r"line 6: norm Mine makes \[4, 1, 8, 8\] of"),
        (body("return x @ x.flatten(1)"), "line 13: norm Mine does not take activations"),
        (body("return x * self.weight.view(-1, 1, 1) / 0"), "NaN or infinity"),
        (
            body("return x * self.weight.view(-1, 1, 1)", "self.weight.requires_grad_(False)"),
            "line 6: norm Mine cannot be trained: weight asks for no gradient",
        ),
        (
            HEAD + "class Mine(nn.LazyBatchNorm2d):\n    def __init__(self, channels): super().__init__()\n",
            "line 5: norm Mine cannot be trained: weight is of a Lazy layer",
        ),
        (body("return x * 2"), "passes no gradient on to one.weight"),
        (body("return x.detach()"), "an output without a gradient"),
        (
            body("return x * self.weight.view(-1, 1, 1) * torch.rand(1).item()"),
            "does not go on from its own state",
        ),
        (body("return (x - x).abs().sqrt() * self.weight.view(-1, 1, 1)"), "gradient that is NaN"),
    ],
)
def test_what_cannot_train_is_one_line_with_file_and_line(lab, text, message):
    path = lab(text)
    with pytest.raises(InputError, match=message) as caught:
        why_norm_alone(path)
    assert f"{path.split(':')[0]}.py" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_groups_that_it_does_not_take_are_refused(lab):
    with pytest.raises(InputError, match="has no parameter called groups"):
        why_norm_alone(lab(PLAIN), 4)


def test_gamma_is_the_parameter_called_weight(lab):
    assert gamma_of(own_layer(lab(PLAIN), Settings(channels=4, replicas=3))).shape == (12,)
    assert gamma_of(own_layer(lab(TOGETHER), Settings(channels=4))) is None


def test_groups_without_a_default_are_given_even_where_there_are_none(lab):
    text = TOGETHER.replace("groups=1", "groups").replace("replicas * groups,", "replicas * (groups or 1),")
    assert why_norm_alone(lab(text)) is None


def test_what_a_constructor_draws_is_the_same_for_all_and_disturbs_nobody(lab):
    path = lab(body("return x * self.weight.view(-1, 1, 1)", "nn.init.normal_(self.weight)"))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    layer = own_layer(path, Settings(channels=4, replicas=2))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(*layer.one.weight.chunk(2))
    assert torch.equal(layer.one.weight[:4], own_layer(path, Settings(channels=4)).one.weight)
