"""Normalisation layers with a replica axis: is a special layer needed to train R networks at once?

No. Activations are [N, R·C, H, W] with replica r in channels r·C to (r+1)·C. Batch norm works channel
by channel, so batch norm over R·C channels *is* R batch norms. Group norm with R·G groups never mixes
two replicas, as each replica's channels are a whole number of groups. Layer norm is group norm with
G = 1 and instance norm with G = C (Wu & He 2018, section 3.1). So torch's own kernels serve all four.

All four have γ and β per channel (Wu & He 2018, equation 6); torch's InstanceNorm2d leaves them out
unless asked, and here that would confound the comparison.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Added to the variance; torch's default and Wu & He's (2018, section 3.2).
EPS = 1e-5
#: Weight of the newest batch in batch norm's running statistics (its buffers), torch's default.
MOMENTUM = 0.1


class BatchNorm(nn.Module):
    """Batch norm of R replicas (Ioffe & Szegedy 2015). Input and output [N, R·C, H, W].

    In training the batch's own statistics, in evaluation the running ones; the running variance is the
    unbiased one, as in torch.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, replicas: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(replicas * channels))
        self.bias = nn.Parameter(torch.zeros(replicas * channels))
        self.register_buffer("running_mean", torch.zeros(replicas * channels))
        self.register_buffer("running_var", torch.ones(replicas * channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, self.training, MOMENTUM, EPS
        )


class GroupNorm(nn.Module):
    """Group norm of R replicas with G groups each (Wu & He 2018). Input and output [N, R·C, H, W].

    `fused`: by kernels of ours (`model.net.group_norm_kernels`) where they take the input.
    """

    def __init__(self, groups: int, channels: int, replicas: int = 1) -> None:
        super().__init__()
        if channels % groups:
            raise ValueError(f"{groups} groups do not divide {channels} channels")
        self.all_groups, self.fused = replicas * groups, False
        self.weight = nn.Parameter(torch.ones(replicas * channels))
        self.bias = nn.Parameter(torch.zeros(replicas * channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.fused:
            from model.net.group_norm_kernels import GroupNormFunction, fits

            if fits(x, self.all_groups):
                out: Tensor = GroupNormFunction.apply(x, self.weight, self.bias, self.all_groups, EPS)
                return out
        return F.group_norm(x, self.all_groups, self.weight, self.bias, EPS)


#: name -> (channels, replicas, groups) -> layer. A new norm is one line here and one in model/spec.py.
LAYERS: dict[str, Callable[[int, int, int | None], nn.Module]] = {
    "bn": lambda channels, replicas, groups: BatchNorm(channels, replicas),
    "gn": lambda channels, replicas, groups: GroupNorm(groups or 1, channels, replicas),
    "ln": lambda channels, replicas, groups: GroupNorm(1, channels, replicas),
    "in": lambda channels, replicas, groups: GroupNorm(channels, channels, replicas),
}


def norm_layer(name: str, channels: int, replicas: int = 1, groups: int | None = None) -> nn.Module:
    """The norm called `name` (bn, gn, ln, in); `groups` is G and for gn alone."""
    if (groups is not None) != (name == "gn"):
        raise ValueError(f"groups is for gn and gn needs it: got norm {name!r}, groups {groups!r}")
    return LAYERS[name](channels, replicas, groups)
