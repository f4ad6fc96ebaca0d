"""An update of ours and torch's optimiser, step by step on the same gradients."""

import torch
from torch import nn

from model.training.step import Step


def step_beside(
    step: Step, net: nn.Module, optimiser: torch.optim.Optimizer, twin: nn.Module
) -> dict[str, float]:
    """Three steps of `net` and of its copy `twin`, at two rates; gives how near each other they must be."""
    dtype = next(net.parameters()).dtype
    for rate in (0.1, 0.1, 0.01):
        grads = [torch.randn(p.shape, dtype=dtype) for p in net.parameters()]  # NCHW beside NHWC weights
        for p, g in zip(twin.parameters(), grads, strict=True):
            p.grad = g.clone()
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        step.optimizer.update(grads, [rate])
    return {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {"rtol": 1e-12, "atol": 1e-12}
