"""Norms over groups of channels of one image: group norm, its special cases, and the one without a mean.

A replica's channels are a whole number of groups, so group norm with R·G groups never mixes two replicas.
Layer norm is group norm with G = 1 and instance norm with G = C (Wu & He 2018, section 3.1): torch's own
kernel serves all three.
"""

from torch import Tensor
from torch.nn import functional as F

from model.net.norms.layer import Affine, Settings


class GroupNorm(Affine):
    """Group norm of R replicas with G groups each (Wu & He 2018, equation 7)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.all_groups = settings.all_groups

    def forward(self, x: Tensor) -> Tensor:
        out = self.in_one(x, None, relu=False) if self.fused else None
        if out is not None:
            return out
        return F.group_norm(x, self.all_groups, self.weight, self.bias, self.settings.eps)

    def in_one(self, x: Tensor, added: Tensor | None, *, relu: bool) -> Tensor | None:
        from model.net.norm_kernels import GroupNormFunction, fits

        if not fits(x, self.all_groups):
            return None
        out: Tensor = GroupNormFunction.apply(
            x, added, self.weight, self.bias, self.all_groups, self.settings.eps, relu
        )
        return out


class RMSGroupNorm(Affine):
    """Group norm without the mean: x / √(mean of x² over the group + ε)·γ + β.

    RMSNorm (Zhang & Sennrich 2019, equation 4) in groups of channels, over H and W too. Equation 2's bias is
    kept as β.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.all_groups = settings.all_groups

    def forward(self, x: Tensor) -> Tensor:
        grouped = x.reshape(len(x), self.all_groups, -1)
        scale = (grouped.square().mean(2, keepdim=True) + self.settings.eps).rsqrt()
        return self.affine((grouped * scale).view(x.shape))
