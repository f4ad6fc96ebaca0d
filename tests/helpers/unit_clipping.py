"""Adaptive gradient clipping as Brock et al. 2021 write it down, one unit after another."""

import torch
from torch import Tensor


def clipped_by_unit(grad: Tensor, weight: Tensor, limit: float) -> Tensor:
    """Equation 3 for every unit of one network's tensor: rows of matrices and kernels, or a vector whole."""
    if weight.dim() <= 1:
        return _unit(grad, weight, limit)
    return torch.stack([_unit(g, w, limit) for g, w in zip(grad, weight, strict=True)])


def _unit(grad: Tensor, weight: Tensor, limit: float) -> Tensor:
    size, most = float((grad**2).sum()) ** 0.5, max(float((weight**2).sum()) ** 0.5, 1e-3)
    return grad * (limit * most / size) if size / most > limit else grad
