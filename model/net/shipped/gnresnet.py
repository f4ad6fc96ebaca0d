"""A ResNet built with group norm in mind: does GN trail BN on small images because the networks are BN's?

He et al.'s CIFAR ResNets have 16 channels in their first stage, so that G = 8 leaves two channels a group; Wu
& He 2018, table 3, find GN best with 16 channels a group or with G = 32, in networks of 64 channels and more.
Here every width is a multiple of 32: G of 1 to 32 divides them all, and G = 8 has 4, 8 and 16 channels a
group. And convolutions have standardised weights (Qiao et al. 2019, Weight Standardization, section 3), which
GN gains most from; Kolesnikov et al. 2020, Big Transfer, section 3.3, train ResNets with the two at any batch
size.
"""

import torch
from torch import Tensor, nn

from model.net.shipped.residual import SmallImageResNet
from model.net.studied import MakeNorm

CHANNELS = (32, 64, 128)
#: Added to the variance of weights, as in the authors' code (joe-siyuan-qiao/WeightStandardization).
EPS = 1e-5


class StandardisedConv2d(nn.Conv2d):
    """A convolution whose weights have mean 0 and deviation 1 over the inputs of each output.

    Qiao et al. 2019, equations 8 and 9: ŵ = (w − μ) / σ, differentiated through μ and σ. The authors divide
    by σ + ε with the unbiased σ; so does this.
    """

    def forward(self, x: Tensor) -> Tensor:
        std, mean = torch.std_mean(self.weight, (1, 2, 3), keepdim=True)
        out: Tensor = self._conv_forward(x, (self.weight - mean) / (std + EPS), self.bias)
        return out


def _conv(inputs: int, outputs: int, size: int, stride: int) -> nn.Conv2d:
    return StandardisedConv2d(inputs, outputs, size, stride, size // 2, bias=False)


def gnresnet(in_channels: int, classes: int, norm: MakeNorm, *, width: int = 1) -> nn.Module:
    """ResNet-14: three stages of two blocks, of 32, 64 and 128 channels."""
    stages = tuple(width * channels for channels in CHANNELS)
    return SmallImageResNet(in_channels, classes, norm, stages=stages, conv=_conv)
