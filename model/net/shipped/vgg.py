"""A plain convolutional network: what norms do where no shortcut goes round them."""

from torch import Tensor, nn

from model.net.shipped.start import start
from model.net.studied import MakeNorm

CHANNELS = (16, 32, 64)


class VGG(nn.Module):
    """Three stages of two 3×3 convolutions with max-pooling between them, for images of 8 pixels or more.

    The design of Simonyan & Zisserman 2015, section 2.1: small kernels, twice the channels where the map
    halves. A norm follows every convolution, as in torchvision's `vgg11_bn`; global average pooling and one
    linear layer stand in the place of its three, which images so small do not need.
    """

    def __init__(self, in_channels: int, classes: int, norm: MakeNorm, *, width: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = in_channels
        for stage, channels in enumerate(CHANNELS):
            if stage:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            for _ in range(2):
                conv = nn.Conv2d(inputs, width * channels, 3, padding=1, bias=False)
                layers += [conv, norm(width * channels, activation=True)]
                inputs = width * channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, classes)
        start(self, self.classifier)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return out
