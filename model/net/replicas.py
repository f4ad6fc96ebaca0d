"""Unstacking a pack's tensors into replicas, and stacking replicas into a pack.

Replicas are outermost in the first dimension of every parameter, momentum and buffer, so one replica's
share is one contiguous slice, whatever the tensor is. A trial saved from any pack can therefore go on in
any other.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def unstack(tensors: Mapping[str, Tensor], replicas: int) -> list[dict[str, Tensor]]:
    """Each replica's share [n, …] of tensors [R·n, …]: contiguous copies on the CPU that own their memory."""
    shares: list[dict[str, Tensor]] = [{} for _ in range(replicas)]
    for name, tensor in tensors.items():
        whole = tensor.detach().to("cpu", copy=True).contiguous()
        for share, part in zip(shares, whole.chunk(replicas), strict=True):
            share[name] = part.clone()
    return shares


@torch.no_grad()
def stack(tensors: Mapping[str, Tensor], shares: Sequence[Mapping[str, Tensor]]) -> None:
    """Write each replica's share into the packed tensors in place. Raises ValueError where it misfits."""
    for number, share in enumerate(shares):
        if set(share) != set(tensors):
            raise ValueError(f"state of replica {number} has other tensors: {set(share) ^ set(tensors)}")
        for name, tensor in tensors.items():
            part = tensor.chunk(len(shares))[number]
            if part.shape != share[name].shape:
                raise ValueError(f"{name}: shape {tuple(share[name].shape)}, expected {tuple(part.shape)}")
            part.copy_(share[name])
