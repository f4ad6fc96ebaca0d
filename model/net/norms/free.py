"""Layers in the place of a norm that take no statistics: Dynamic Tanh, and none at all."""

import torch
from torch import Tensor, nn

from model.net.norms.layer import Affine, NormLayer, Settings, per_channel

#: Where Dynamic Tanh's α starts (Zhu et al. 2025, section 4).
ALPHA = 0.5


class DynamicTanh(Affine):
    """γ·tanh(α·x) + β with one α a layer and replica, learned (Zhu et al. 2025, Transformers without
    Normalization, section 4)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.alpha = nn.Parameter(torch.full((settings.replicas,), ALPHA))

    def forward(self, x: Tensor) -> Tensor:
        alpha = per_channel(self.alpha.repeat_interleave(self.settings.channels))
        return self.affine(torch.tanh(x * alpha))


class NoNorm(NormLayer):
    """x + β; at the end of a residual branch s·x + β, with one s a layer and replica, learned, from 0 on.

    SkipInit (De & Smith 2020, Batch Normalization Biases Residual Blocks Towards the Identity Function in
    Deep Networks, section 4): with its branches scaled to nothing at first a residual network trains without
    a norm. The s starts at 0 whatever the recipe says of γ. β is the bias of the convolution before it, which
    has none of its own here.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.channels = settings.channels
        self.bias = nn.Parameter(torch.zeros(settings.all_channels))
        self.scale = nn.Parameter(torch.zeros(settings.replicas)) if settings.ends_branch else None

    def forward(self, x: Tensor) -> Tensor:
        if self.scale is not None:
            x = x * per_channel(self.scale.repeat_interleave(self.channels))
        return x + per_channel(self.bias)
