"""The CIFAR ResNets of He et al. 2015, with seeds as an axis of the network.

Small networks leave hardware idle, so R seeds of one cell are trained as one network. Activations are
[N, R·C, H, W], a convolution has weight [R·O, I, k, k] and R groups, and the classifier is one batched
matrix product. R = 1 is the plain network: there is no second family of fused layers beside it.

Every parameter and buffer has replicas outermost in its first dimension, so one replica is the same slice
of every tensor (`model.net.replicas`), under the names and in the shapes of `model.bench.reference`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.architectures import ARCHITECTURES
from model.net.convolution import Convolve, grouped
from model.net.network import ReplicaNetwork
from model.net.norms.layer import activated, added_to
from model.net.norms.registry import norm_of
from model.net.products import baddbmm
from model.net.standardise import standardised
from model.precision import Precision
from model.spec import MODELS, Spec

#: What the norms are called wherever they stand.
_NORMS = frozenset({"norm", "norm1", "norm2"})


class Conv(nn.Module):
    """R convolutions side by side, without bias. [N, R·I, H, W] -> [N, R·O, H/stride, W/stride].

    `standardise`: by weights that are standardised (`model.net.standardise`).
    """

    def __init__(
        self, inputs: int, outputs: int, size: int, stride: int, replicas: int, *, standardise: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(replicas * outputs, inputs, size, size))
        self.stride, self.replicas = stride, replicas
        self.convolve: Convolve = grouped
        self.standardise = standardise

    def forward(self, x: Tensor) -> Tensor:
        weight = standardised(self.weight) if self.standardise else self.weight
        return self.convolve(whole_strides(x), weight, self.stride, self.replicas)


def whole_strides(x: Tensor) -> Tensor:
    """The same [N, C, H, W]; where N is one, with a whole image as the stride of N.

    Any number may stand there, and torch's own grouped convolution (2.15, without oneDNN) takes it for the
    size of an image: its gradient of the weights is then of other numbers altogether.
    """
    if len(x) == 1 and x.stride(0) != x[0].numel():
        return x.as_strided(x.shape, (x[0].numel(), *x.stride()[1:]))
    return x


class Shortcut(nn.Module):
    """Option B of He et al. 2015, section 3.3: 1×1 convolution and norm where dimensions change."""

    def __init__(self, inputs: int, outputs: int, stride: int, spec: Spec, replicas: int) -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs, 1, stride, replicas, standardise=spec.weight_standardization)
        self.norm = norm_of(spec, outputs, replicas, activation=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class ZeroPad(nn.Module):
    """Option A of He et al. 2015, section 3.3: every second pixel, and zeros for the new channels."""

    def __init__(self, inputs: int, outputs: int, stride: int, replicas: int) -> None:
        super().__init__()
        self.new, self.stride, self.replicas = outputs - inputs, stride, replicas

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        n, _, height, width = x.shape
        x = x.reshape(n, self.replicas, -1, height, width)
        return F.pad(x, (0, 0, 0, 0, 0, self.new)).flatten(1, 2)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, norm after each convolution and before the addition."""

    def __init__(self, inputs: int, outputs: int, stride: int, spec: Spec, replicas: int) -> None:
        super().__init__()
        standardise = spec.weight_standardization
        self.conv1 = Conv(inputs, outputs, 3, stride, replicas, standardise=standardise)
        self.norm1 = norm_of(spec, outputs, replicas)
        self.conv2 = Conv(outputs, outputs, 3, 1, replicas, standardise=standardise)
        self.norm2 = norm_of(spec, outputs, replicas, activation=False, ends_branch=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            if spec.shortcut == "projection":
                self.shortcut = Shortcut(inputs, outputs, stride, spec, replicas)
            else:
                self.shortcut = ZeroPad(inputs, outputs, stride, replicas)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(activated(self.norm1, self.conv1(x)))
        return added_to(self.shortcut(x), self.norm2, out)


class ResNet(ReplicaNetwork):
    """ResNet-(6n+2) of R replicas (He et al. 2015, section 4.2), weights not yet initialised.

    Input [N, R·I, H, W]; output [R, N, classes], the logits. Any H and W: the stages halve them twice
    and the global average pooling takes what is left.
    """

    def __init__(self, spec: Spec, in_channels: int, classes: int, replicas: int = 1) -> None:
        super().__init__()
        n, widths = (MODELS[spec.model] - 2) // 6, ARCHITECTURES[spec.model].widths(spec.width)
        self.spec, self.in_channels, self.classes, self.replicas = spec, in_channels, classes, replicas
        standardise = spec.weight_standardization
        self.conv = Conv(in_channels, widths[0], 3, 1, replicas, standardise=standardise)
        self.norm = norm_of(spec, widths[0], replicas)
        blocks: list[ResidualBlock] = []
        inputs = widths[0]
        for stage, width in enumerate(widths):
            for index in range(n):
                stride = 2 if stage and index == 0 else 1
                blocks.append(ResidualBlock(inputs, width, stride, spec, replicas))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.classifier = Classifier(inputs, classes, replicas)

    def compute_by(self, function: Convolve, *, fused: bool = False, precision: Precision = "fp32") -> None:
        super().compute_by(function, fused=fused, precision=precision)
        self.classifier.multiply = baddbmm if precision == "bf16" else torch.baddbmm
        for module in self.modules():
            if isinstance(module, Conv):
                module.convolve = function

    def norms(self) -> dict[str, nn.Module]:
        return {name: part for name, part in self.named_modules() if name.rpartition(".")[2] in _NORMS}

    def classifying(self) -> nn.Module:
        return self.classifier

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(activated(self.norm, self.conv(x)))
        out: Tensor = self.classifier(x.mean((2, 3)))
        return out


class Classifier(nn.Module):
    """R linear layers as one batched product. [N, R·F] -> [R, N, classes]."""

    def __init__(self, features: int, classes: int, replicas: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(replicas * classes, features))
        self.bias = nn.Parameter(torch.zeros(replicas * classes))
        self.replicas = replicas
        self.multiply: Callable[[Tensor, Tensor, Tensor], Tensor] = torch.baddbmm

    def forward(self, x: Tensor) -> Tensor:
        x = x.reshape(len(x), self.replicas, -1).transpose(0, 1)
        weight = self.weight.view(self.replicas, -1, x.shape[2]).transpose(1, 2)
        return self.multiply(self.bias.view(self.replicas, 1, -1), x, weight)
