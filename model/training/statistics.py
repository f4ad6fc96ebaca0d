"""By which statistics a norm normalises when a trained network is evaluated: three answers for one network.

A norm with running statistics (`BatchStatistics`) is trained by those of each batch and judged by running
ones, which are a moving average over the last few batches while the weights moved. Wu & Johnson 2021
(Rethinking "Batch" in BatchNorm, arXiv 2105.07576, section 3) take the two apart: what such a network gets
wrong because of its weights, and what because of the statistics that it is judged by.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from model.net.norms.batch_group import BatchGroupNorm
from model.net.norms.layer import BatchStatistics
from model.net.norms.renorm import BatchRenorm

#: So long a training that all of an evaluation lies at its beginning, where batch renorm is batch norm.
_ENDLESS = 2**60


@contextmanager
def batch_statistics(net: nn.Module, *, ghosts: bool = True) -> Iterator[list[BatchStatistics]]:
    """Norms with running statistics take each batch's own, all else stays in evaluation; afterwards every
    buffer is as before.

    Batch renorm then normalises by the batch alone, without its correction towards the running statistics
    (r = 1, d = 0 of Ioffe 2017, algorithm 1). `ghosts`: whether ghost batch norm keeps to its ghost batches.
    """
    norms = [module for module in net.modules() if isinstance(module, BatchStatistics)]
    before = [[buffer.clone() for buffer in norm.buffers()] for norm in norms]
    settings, lengths = [norm.settings for norm in norms], [norm.total_steps for norm in norms]
    try:
        for norm in norms:
            norm.train()
            norm.total_steps = _ENDLESS
            if not ghosts:
                norm.settings = replace(norm.settings, norm_batch=None)
            if isinstance(norm, BatchRenorm):
                norm.steps.zero_()
        yield norms
    finally:
        for norm, buffers, own, length in zip(norms, before, settings, lengths, strict=True):
            norm.eval()
            norm.settings, norm.total_steps = own, length
            for buffer, value in zip(norm.buffers(), buffers, strict=True):
                buffer.copy_(value)


@contextmanager
def kept(net: nn.Module) -> Iterator[None]:
    """Whatever happens to the network's buffers in the block, afterwards they are as before."""
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in net.named_buffers():
            buffer.copy_(before[name])


@torch.no_grad()
def measure(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Put statistics measured anew over `batches`, all of one size, in the place of the running ones.

    PreciseBN (Wu & Johnson 2021, section 3): with the weights as they are, each batch [B, R·C, H, W] is
    normalised by its own moments, and these are aggregated: μ = E[μ_B], σ² = E[μ_B² + σ_B²] − μ², the moments
    of all that the layer was given, in float64. A ghost batch norm takes whole batches here.
    """
    sums: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    count = 0
    with batch_statistics(net, ghosts=False) as norms:

        def add(norm: BatchStatistics, given: tuple[Tensor]) -> None:
            variance, mean = _moments(norm, given[0])
            first, second = sums.get(norm, (torch.zeros_like(mean), torch.zeros_like(mean)))
            sums[norm] = (first + mean, second + variance + mean.square())

        hooks = [norm.register_forward_pre_hook(add) for norm in norms]
        try:
            for batch in batches:
                net(batch)
                count += 1
        finally:
            for hook in hooks:
                hook.remove()
    for norm, (first, second) in sums.items():
        mean = first / count
        _put(norm, mean, (second / count - mean.square()).clamp(min=0))


def _moments(norm: BatchStatistics, x: Tensor) -> tuple[Tensor, Tensor]:
    """Variance (biased) and mean of a batch, of each channel or group of each replica, float64."""
    x = x.double()
    if isinstance(norm, BatchGroupNorm):
        x = x.reshape(len(x), norm.settings.all_groups, -1, 1)
    return torch.var_mean(x, (0, 2, 3), correction=0)


def _put(norm: nn.Module, mean: Tensor, variance: Tensor) -> None:
    assert isinstance(norm, BatchStatistics)
    values = {
        "running_mean": mean,
        "running_var": variance,
        "running_std": (variance + norm.settings.eps).sqrt(),  # batch renorm's σ holds ε
    }
    for name, buffer in norm.named_buffers(recurse=False):
        if name in values:
            buffer.copy_(values[name])
