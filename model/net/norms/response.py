"""Filter response norm with its thresholded linear unit."""

import torch
from torch import Tensor, nn

from model.net.norms.layer import Affine, Settings, per_channel


class FilterResponseNorm(Affine):
    """y = γ·x / √(ν² + ε) + β with ν² the mean of x² over H and W; then max(y, τ), the TLU.

    Singh & Krishnan 2020, sections 3.1 and 3.2. τ is per channel and starts at 0, so that the TLU starts
    as ReLU. ε is the paper's 1e-6 unless a grid says otherwise, and is not learned: the paper learns it for
    maps of one pixel alone, where ν² is x². Where no activation follows there is no τ.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.activates = settings.activation
        if self.activates:
            self.threshold = nn.Parameter(torch.zeros(settings.all_channels))

    def forward(self, x: Tensor) -> Tensor:
        scale = (x.square().mean((2, 3), keepdim=True) + self.settings.eps).rsqrt()
        out = self.affine(x * scale)
        return torch.maximum(out, per_channel(self.threshold)) if self.activates else out
