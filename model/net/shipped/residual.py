"""Residual networks of the shape of torchvision's, for small images: ResNet-18, and one for group norm."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from model.net.shipped.start import start
from model.net.studied import MakeNorm

#: (inputs, outputs, size, stride) -> a convolution without bias that keeps the map, but for its stride
MakeConv = Callable[[int, int, int, int], nn.Conv2d]


def plain(inputs: int, outputs: int, size: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


class BasicBlock(nn.Module):
    """torchvision's, under its names: two 3×3 convolutions and a shortcut (He et al. 2015, figure 5)."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: MakeNorm, conv: MakeConv) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), norm(outputs, activation=True)
        self.conv2, self.bn2 = conv(outputs, outputs, 3, 1), norm(outputs, ends_branch=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        return F.relu(out + self.downsample(x))


class SmallImageResNet(nn.Module):
    """A 3×3 stem without pooling, stages of two blocks, each but the first of stride 2, a linear layer."""

    def __init__(
        self, in_channels: int, classes: int, norm: MakeNorm, *, stages: tuple[int, ...], conv: MakeConv
    ) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(in_channels, stages[0], 3, 1), norm(stages[0], activation=True)
        inputs = stages[0]
        for number, channels in enumerate(stages, 1):
            first = BasicBlock(inputs, channels, 1 if number == 1 else 2, norm, conv)
            self.add_module(
                f"layer{number}", nn.Sequential(first, BasicBlock(channels, channels, 1, norm, conv))
            )
            inputs = channels
        self.stages = len(stages)
        self.fc = nn.Linear(inputs, classes)
        start(self, self.fc)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x))
        for number in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{number}")(x)
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


def resnet18(in_channels: int, classes: int, norm: MakeNorm, *, width: int = 1) -> nn.Module:
    """torchvision's `resnet18` (He et al. 2015, table 1) as is usual for images of 32 pixels: its stem is a
    3×3 convolution of stride 1, and no pooling follows. 11,173,962 parameters with BN on CIFAR-10."""
    stages = (64 * width, 128 * width, 256 * width, 512 * width)
    return SmallImageResNet(in_channels, classes, norm, stages=stages, conv=plain)
