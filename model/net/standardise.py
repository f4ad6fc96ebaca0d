"""Weight standardisation: each output channel's weights have mean 0 and variance 1 wherever they are used.

Qiao et al. 2019, Micro-Batch Training with Batch-Channel Normalization and Weight Standardization
(1903.10520), section 3: Ŵ = (W − μ) / σ over the inputs and the kernel of an output channel; what is trained
is W. Without a gain: the norm after the convolution brings one.
"""

import torch
from torch import Tensor

#: Within the root, where the paper leaves it open.
EPS = 1e-5


def standardised(weight: Tensor) -> Tensor:
    """Ŵ of weights [R·O, I, k, k], channel by channel, so that no two replicas meet; laid out as they are."""
    rows = weight.flatten(1)
    variance, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
    return ((rows - mean) * (variance + EPS).rsqrt()).view(weight.shape)
