"""A network of one's own: a wide-and-shallow CNN with a squeeze-and-excitation gate, written for one seed.

python -m orchestrator.run --grid own_network.yaml

It is an ordinary module; before the first trial it is run to see that it trains, and that packs of it equal
their seeds alone.
"""

from collections.abc import Callable

from torch import Tensor, nn


class Gate(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, section 3): channels weighed by what the whole image holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(channels, channels // 4), nn.ReLU(), nn.Linear(channels // 4, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.weigh(x.mean((2, 3)))
        return x * weights[:, :, None, None]


class GatedNet(nn.Module):
    """`norm(channels)` makes the layer under study; everything else is the network's own affair."""

    def __init__(self, in_channels: int, classes: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
            norm(16),
            nn.ReLU(),
            Gate(16),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            norm(32),
            nn.ReLU(),
            Gate(32),
        )
        self.classifier = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits
