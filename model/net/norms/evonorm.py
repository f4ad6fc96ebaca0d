"""EvoNorm-B0 and -S0: normalisation and activation found together by a search.

Liu et al. 2020, Evolving Normalization-Activation Layers (2004.02967). v is per channel and starts at 1,
as the authors' code has it. Where no activation follows, that code leaves γ·x + β alone, and so do these: the
normalisation is in the non-linear part.
"""

import torch
from torch import Tensor, nn

from model.net.norms.layer import Affine, BatchStatistics, Settings, per_channel


class EvoNormB0(BatchStatistics):
    """x / max(s_b, v·x + s_i)·γ + β, with s_b = √(variance over N, H, W + ε), s_i of each image.

    In evaluation s_b is of the running variance, the biased one as in the authors' code.
    """

    running_var: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.activates = settings.activation
        if self.activates:
            self.v = nn.Parameter(torch.ones(settings.all_channels))
            self.register_buffer("running_var", torch.ones(settings.all_channels))

    def normalise(self, x: Tensor) -> Tensor:
        if not self.activates:
            return self.affine(x)
        eps = self.settings.eps
        alone = (x.var((2, 3), correction=0, keepdim=True) + eps).sqrt()
        below = torch.maximum(
            per_channel((self._variance(x) + eps).sqrt()), torch.addcmul(alone, x, per_channel(self.v))
        )
        return self.affine(x / below)

    def _variance(self, x: Tensor) -> Tensor:
        """Of each channel [R·C]; in training the batch's own, which the running one takes in."""
        if not self.training:
            return self.running_var
        variance = x.to(self.running_var.dtype).var((0, 2, 3), correction=0)
        with torch.no_grad():
            self.running_var.lerp_(variance.detach(), self.settings.momentum)
        return variance


class EvoNormS0(Affine):
    """x·σ(v·x) / √(variance over a group of one image + ε)·γ + β, with σ the logistic function."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.activates, self.all_groups = settings.activation, settings.all_groups
        if self.activates:
            self.v = nn.Parameter(torch.ones(settings.all_channels))

    def forward(self, x: Tensor) -> Tensor:
        if not self.activates:
            return self.affine(x)
        variance = x.reshape(len(x), self.all_groups, -1).var(2, correction=0, keepdim=True)
        active = x * _logistic(x * per_channel(self.v))
        out = active.reshape(len(x), self.all_groups, -1) * (variance + self.settings.eps).rsqrt()
        return self.affine(out.view(x.shape))


def _logistic(x: Tensor) -> Tensor:
    """σ(x) by way of tanh: torch's sigmoid rounds the elements behind a CPU's last whole vector otherwise
    than those in vectors, and which they are depends on the pack."""
    return torch.tanh(x / 2) / 2 + 0.5
