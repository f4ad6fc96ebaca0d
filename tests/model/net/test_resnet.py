"""The network against the same network out of plain torch.nn modules, and its size."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from model.bench.reference import PlainResNet
from model.errors import InputError
from model.net.init import initialise
from model.net.resnet import Conv, ResNet
from model.spec import MODELS, Spec
from tests.helpers.replica_rule import registered

#: The norms that the plain network has.
PLAIN = {"bn", "gn", "ln", "in"}
SPEC = Spec(norm="bn", batch_size=4, epochs=1)


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def test_resnet20_with_bn_and_projections_has_272474_parameters():
    assert parameters(ResNet(SPEC, 3, 10)) == 272_474
    assert parameters(ResNet(SPEC, 3, 10, replicas=5)) == 5 * 272_474


@pytest.mark.parametrize(
    ("model", "expected"),  # with identity shortcuts, as He et al. 2015, table 6: 0.27M to 1.7M
    [("resnet20", 269_722), ("resnet32", 464_154), ("resnet56", 853_018), ("resnet110", 1_727_962)],
)
def test_parameters_with_identity_shortcuts(model, expected):
    assert parameters(ResNet(dataclasses.replace(SPEC, model=model, shortcut="identity"), 3, 10)) == expected


@pytest.mark.parametrize("model", MODELS)
def test_depth_counts_convolutions_and_classifier(model):
    net = ResNet(dataclasses.replace(SPEC, model=model, shortcut="identity"), 3, 10)
    weighted = [name for name, _ in net.named_modules() if "conv" in name.split(".")[-1]]
    assert len(weighted) + 1 == MODELS[model]


@pytest.mark.parametrize("shortcut", ["projection", "identity"])
@pytest.mark.parametrize(("norm", "groups"), [cell for cell in registered() if cell[0] in PLAIN])
def test_one_replica_is_the_plain_network(norm, groups, shortcut):
    """Outputs, gradients and running statistics over three batches, float64."""
    torch.manual_seed(0)
    spec = dataclasses.replace(SPEC, norm=norm, groups=groups, shortcut=shortcut)
    ours, plain = ResNet(spec, 3, 10).double(), PlainResNet(spec, 3, 10).double()
    initialise(ours, [7], zero_gamma=False)
    plain.load_state_dict(ours.state_dict())  # strict: every name and shape
    for _ in range(3):
        x = torch.randn(4, 3, 16, 16, dtype=torch.float64)
        towards = torch.randn(4, 10, dtype=torch.float64)
        ours(x)[0].backward(towards)
        plain(x).backward(towards)
    for (name, a), (_, b) in zip(ours.named_parameters(), plain.named_parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=lambda m, name=name: f"{name}: {m}")
    theirs = dict(plain.named_buffers())
    for name, a in ours.named_buffers():
        torch.testing.assert_close(a, theirs[name])
    x = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(ours.eval()(x)[0], plain.eval()(x))


@pytest.mark.parametrize(("norm", "groups"), [("rms", None), ("gn", None)])
def test_the_plain_network_refuses_a_norm_that_it_does_not_know(norm, groups):
    """It would be compared with, as if it were that norm."""
    with pytest.raises(InputError, match="knows bn, gn"):
        PlainResNet(dataclasses.replace(SPEC, norm=norm, groups=groups), 3, 10)


@pytest.mark.parametrize(("channels", "height", "width", "classes"), [(1, 8, 8, 10), (3, 13, 6, 2)])
def test_any_channels_size_and_number_of_classes(channels, height, width, classes):
    net = ResNet(SPEC, channels, classes, replicas=2)
    initialise(net, [1, 2], zero_gamma=True)
    assert net(torch.randn(4, 2 * channels, height, width)).shape == (2, 4, classes)
    assert not [name for name, p in net.named_parameters() if not p.isfinite().all()]


@pytest.mark.parametrize("onednn", [True, False])
def test_a_batch_of_one_whose_stride_is_any_number(onednn):
    """As an elementwise operation leaves it; torch's own grouped convolution took it for an image's size."""
    generator = torch.Generator().manual_seed(0)
    conv = Conv(3, 4, 3, 1, 2).to(memory_format=torch.channels_last)
    conv.weight.data.normal_(generator=generator)
    x = torch.empty(1, 6, 7, 7).normal_(generator=generator).contiguous(memory_format=torch.channels_last)
    grad = torch.empty(1, 8, 7, 7).normal_(generator=generator)
    with torch.backends.mkldnn.flags(enabled=onednn):
        out = conv(x.as_strided(x.shape, (6, 1, 42, 6)))
        (ours,) = torch.autograd.grad(out, conv.weight, grad)
    weight = conv.weight.detach().double().contiguous().requires_grad_()
    expected = F.conv2d(x.double().contiguous(), weight, None, 1, 1, 1, 2)
    (theirs,) = torch.autograd.grad(expected, weight, grad.double())
    torch.testing.assert_close(out, expected.float())
    torch.testing.assert_close(ours, theirs.float())
