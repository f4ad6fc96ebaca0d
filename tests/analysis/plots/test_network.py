"""The diagram against the real model, layer by layer."""

import pytest
import torch

from analysis.plots import network
from model.net.resnet import Conv, ResidualBlock, ResNet, Shortcut, ZeroPad
from model.spec import Spec

CASES = [
    ("resnet20", "projection", (3, 32, 32), 10),
    ("resnet32", "identity", (1, 8, 8), 7),
    ("resnet20", "projection", (3, 33, 47), 3),
]


def build(model, shortcut, image, classes):
    spec = Spec(model=model, shortcut=shortcut, norm="bn", batch_size=32, epochs=1)
    return ResNet(spec, image[0], classes)


def walk(net, image):
    """(inputs, outputs, stride, output size) of every 3×3 convolution, as the images run through them."""
    seen = []

    def note(conv, _, out):
        if conv.weight.shape[2] == 3:
            outputs, inputs = conv.weight.shape[:2]
            seen.append((inputs, outputs, conv.stride, tuple(out.shape[2:])))

    for module in net.modules():
        if isinstance(module, Conv):
            module.register_forward_hook(note)
    net.eval()(torch.zeros(1, *image))
    return seen


@pytest.mark.parametrize("case", CASES)
def test_every_convolution_is_drawn_as_it_is(case):
    info = network.info(*case)
    drawn = [info.stem, *(conv for block in info.blocks for conv in (block.first, block.second))]
    assert [tuple(conv) for conv in drawn] == walk(build(*case), case[2])


@pytest.mark.parametrize("case", CASES)
def test_every_shortcut_is_drawn_as_it_is(case):
    kinds = {torch.nn.Identity: "identity", Shortcut: "projection", ZeroPad: "padding"}
    blocks = [module for module in build(*case).modules() if isinstance(module, ResidualBlock)]
    assert [b.shortcut for b in network.info(*case).blocks] == [kinds[type(b.shortcut)] for b in blocks]


@pytest.mark.parametrize("case", CASES)
def test_the_parameters_are_counted_right(case):
    assert network.info(*case).parameters == sum(p.numel() for p in build(*case).parameters())


def test_resnet20_has_the_parameters_of_the_study():
    assert network.info("resnet20").parameters == 272_474
