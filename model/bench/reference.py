"""The same network as a careful researcher would write it, out of `torch.nn` modules alone.

It is what ours is tested against and what the benchmark compares with, so it shares no code with
`model.net.resnet`: only the names of its parameters, so that weights move from one to the other.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from model.errors import InputError
from model.spec import MODELS, WIDTHS, Spec


def _norm(spec: Spec, channels: int) -> nn.Module:
    if spec.norm == "bn":
        return nn.BatchNorm2d(channels)
    if spec.norm == "in":
        return nn.InstanceNorm2d(channels, affine=True)
    if spec.norm == "ln":
        return nn.GroupNorm(1, channels)
    if spec.norm == "gn" and spec.groups:
        return nn.GroupNorm(spec.groups, channels)
    raise InputError(f"the plain network knows bn, gn with its groups, ln and in, not {spec.norm!r}")


class PlainBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, spec: Spec) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = _norm(spec, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = _norm(spec, outputs)
        self.stride, self.new = stride, outputs - inputs
        self.shortcut = nn.Sequential()
        if spec.shortcut == "projection" and (stride != 1 or inputs != outputs):
            self.shortcut.add_module("conv", nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.shortcut.add_module("norm", _norm(spec, outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        if len(self.shortcut) or not self.new:
            return F.relu(out + self.shortcut(x))
        return F.relu(out + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new)))


class PlainResNet(nn.Module):
    """ResNet-(6n+2) (He et al. 2015, section 4.2). Input [N, C, H, W], output [N, classes]."""

    def __init__(self, spec: Spec, in_channels: int, classes: int) -> None:
        super().__init__()
        n = (MODELS[spec.model] - 2) // 6
        a, b, c = WIDTHS
        self.conv = nn.Conv2d(in_channels, a, 3, padding=1, bias=False)
        self.norm = _norm(spec, a)
        shapes = [(a, a, 1)] * n + [(a, b, 2)] + [(b, b, 1)] * (n - 1) + [(b, c, 2)] + [(c, c, 1)] * (n - 1)
        self.blocks = nn.Sequential(*(PlainBlock(*shape, spec) for shape in shapes))
        self.classifier = nn.Linear(c, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.norm(self.conv(x))))
        out: Tensor = self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return out
