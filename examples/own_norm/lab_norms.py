"""Two norms of one's own, one in each form that normsweep takes."""

import torch
from torch import Tensor, nn


class MeanOnlyNorm(nn.Module):
    """An ordinary module of (channels): the mean is taken out, the variance is left alone.

    Mean-only batch normalisation (Salimans & Kingma 2016, section 4), with a scale per channel.
    """

    running_mean: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean = self.running_mean
        if self.training:
            mean = x.mean((0, 2, 3))
            self.running_mean.lerp_(mean.detach(), 0.1)
        return self.weight.view(-1, 1, 1) * (x - mean.view(-1, 1, 1)) + self.bias.view(-1, 1, 1)


class L1GroupNorm(nn.Module):
    """One layer for all replicas: [N, R·C, H, W] divided by the mean absolute value of each group.

    Group norm with an L1 norm instead of the variance (as Hoffer et al. 2018, Norm matters, section 4, for
    batch norm). Faster than a module a replica: it never mixes two, since groups do not cross replicas.
    """

    def __init__(self, channels: int, replicas: int, groups: int) -> None:
        super().__init__()
        self.all_groups = replicas * groups
        self.weight = nn.Parameter(torch.ones(replicas * channels))
        self.bias = nn.Parameter(torch.zeros(replicas * channels))

    def forward(self, x: Tensor) -> Tensor:
        grouped = x.reshape(len(x), self.all_groups, -1)
        centred = grouped - grouped.mean(2, keepdim=True)
        normal = (centred / (centred.abs().mean(2, keepdim=True) + 1e-5)).view(x.shape)
        return self.weight.view(-1, 1, 1) * normal + self.bias.view(-1, 1, 1)
