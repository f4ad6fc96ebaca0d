"""A small MLP-Mixer: norms without convolutions."""

from torch import Tensor, nn
from torch.nn import functional as F

from model.net.studied import MakeNorm

CHANNELS, BLOCKS = 64, 4
#: Images below so many pixels have patches of 2×2, others of 4×4.
_SMALL = 16


class Mixer(nn.Module):
    """MLP-Mixer (Tolstikhin et al. 2021): 2×2 patches of images below 16 pixels, 4×4 of others.

    Section 2, equation 1: tokens are mixed by an MLP of half as many units as channels, then channels by one
    of four times as many, each after a norm and beside a shortcut; a norm, the mean over tokens and a linear
    layer end it. Norms are over the channels of a token. Weights start as torch's `nn.Linear` does. What of
    an image makes no whole patch is left out.
    """

    def __init__(
        self, in_channels: int, classes: int, norm: MakeNorm, *, image_size: tuple[int, int], width: int = 1
    ) -> None:
        super().__init__()
        channels = CHANNELS * width
        self.patch = 2 if min(image_size) < _SMALL else 4
        tokens = (image_size[0] // self.patch) * (image_size[1] // self.patch)
        self.embed = nn.Linear(in_channels * self.patch**2, channels)
        self.blocks = nn.Sequential(*(MixerBlock(tokens, channels, norm) for _ in range(BLOCKS)))
        self.norm = norm(channels)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.blocks(self.embed(self.patches(x)))
        logits: Tensor = self.classifier(self.norm(tokens).mean(1))
        return logits

    def patches(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, T, C·p·p]"""
        cut = x.unfold(2, self.patch, self.patch).unfold(3, self.patch, self.patch)
        tokens: Tensor = cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        return tokens


class MixerBlock(nn.Module):
    """Token mixing, then channel mixing. [N, T, C] -> [N, T, C]."""

    def __init__(self, tokens: int, channels: int, norm: MakeNorm) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(channels), norm(channels)
        self.tokens = MLP(tokens, channels // 2)
        self.channels = MLP(channels, 4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.channels(self.norm2(x))
        return out


class MLP(nn.Module):
    """Two linear layers with GELU between them, over the last dimension."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(features, units), nn.Linear(units, features)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out
