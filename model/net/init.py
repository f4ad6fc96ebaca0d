"""How weights start, each replica from its own stream.

Convolutions: zero-mean normal with standard deviation √(2 / (k²·inputs)), the *fan-in* form of He et
al. 2015, Delving Deep into Rectifiers, equation 10 ("MSRA" fill), which both papers cite; that paper
shows that fan-in or fan-out alone suffices, and its own equation is taken. Classifier: normal with
standard deviation 0.01 and zero bias, as Goyal et al. 2017, section 5.1, whose recipe Wu & He follow.
γ = 1 and β = 0, but γ = 0 in the last norm of each residual block where the recipe asks for it, so
that every block starts as the identity (Goyal et al. 2017, section 5.1; Wu & He 2018, section 4.1).
"""

import math
from collections.abc import Sequence

import torch
from torch import nn

from model.net.norms.layer import gamma_of
from model.net.resnet import Classifier, Conv, ResidualBlock, ResNet
from model.randomness import stream

CLASSIFIER_STD = 0.01


@torch.no_grad()
def initialise(net: ResNet, seeds: Sequence[int], zero_gamma: bool) -> None:
    """Fill every parameter of `net`, replica r from seeds[r]. Drawn in float32 whatever the dtype."""
    generators = [stream(seed, "initial weights") for seed in seeds]
    for module in net.modules():
        if isinstance(module, (Conv, Classifier)):
            std = CLASSIFIER_STD if isinstance(module, Classifier) else _fan_in_std(module.weight)
            _normal(module.weight, std, generators)
            if isinstance(module, Classifier):
                nn.init.zeros_(module.bias)
        if isinstance(module, ResidualBlock) and zero_gamma:
            gamma = gamma_of(module.norm2)
            if gamma is not None:  # without a norm the branch has a factor of its own that starts at 0
                nn.init.zeros_(gamma)


def _fan_in_std(weight: torch.Tensor) -> float:
    return math.sqrt(2 / weight[0].numel())


def _normal(weight: torch.Tensor, std: float, generators: Sequence[torch.Generator]) -> None:
    for part, generator in zip(weight.chunk(len(generators)), generators, strict=True):
        part.copy_(torch.empty(part.shape).normal_(0, std, generator=generator))
