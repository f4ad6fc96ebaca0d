"""The network of a cell, with so many replicas, each started from its seed."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from model.net.init import initialise
from model.net.network import Images, ReplicaNetwork
from model.net.resnet import ResNet
from model.net.shipped.gnresnet import gnresnet
from model.net.shipped.lstm import LSTM
from model.net.shipped.mixer import Mixer
from model.net.shipped.residual import resnet18
from model.net.shipped.vgg import VGG
from model.net.stacked import Stacked
from model.net.studied import norm_maker
from model.own import is_own, load
from model.randomness import drawing_from, stream
from model.spec import MODELS, Spec

#: (in_channels, classes, norm, …) -> an ordinary module. A new network is a line here, and one in
#: `model.architectures`.
MAKERS: Mapping[str, Callable[..., nn.Module]] = {
    "vgg": VGG,
    "resnet18": resnet18,
    "gnresnet": gnresnet,
    "lstm": LSTM,
    "mixer": Mixer,
}


def network(
    spec: Spec, images: Images, seeds: Sequence[int], *, zero_gamma: bool, together: bool = True
) -> ReplicaNetwork:
    """R replicas of the network of `spec` for such images, replica r started from seeds[r].

    `together`: False for a network that trains one replica at a time.
    """
    if spec.model in MODELS:
        net = ResNet(spec, images.channels, len(images.classes), len(seeds))
        initialise(net, seeds, zero_gamma)
        return net
    template = module(spec, images, seeds[0], len(seeds), zero_gamma=zero_gamma, together=together)
    alone = [module(spec, images, seed, zero_gamma=zero_gamma, together=False) for seed in seeds]
    return Stacked(template, alone, classes=len(images.classes), together=together)


def module(
    spec: Spec, images: Images, seed: int, replicas: int = 1, *, zero_gamma: bool, together: bool
) -> nn.Module:
    """The ordinary module of `spec`, its norms alone for so many replicas, in float32 on the CPU.

    It draws its weights from torch's own generator, which then stands as before.
    """
    make = maker(spec)
    norm = norm_maker(spec, replicas, zero_gamma=zero_gamma, together=together)
    offered = {"width": spec.width, "image_size": (images.height, images.width)}
    with drawing_from(stream(seed, "initial weights").initial_seed()):
        made: nn.Module = make(images.channels, len(images.classes), norm, **_wanted(make, offered))
    return made


def maker(spec: Spec) -> Any:
    """What makes the ordinary module of `spec`, or whatever it is that a user named."""
    return load(spec.model) if is_own(spec.model) else MAKERS[spec.model]


def _wanted(make: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Those of what is offered that a maker has a parameter for."""
    there = inspect.signature(make).parameters
    return {name: value for name, value in offered.items() if name in there}
