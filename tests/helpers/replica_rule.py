"""The replica rule, held against any layer: replica r's numbers are those of its seed alone."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from model.net.norms.layer import Settings
from model.net.norms.registry import LAYERS, norm_layer
from model.norm_table import GROUPED

N, C, H, W = 4, 16, 6, 5
REPLICAS = 3


def registered() -> list[tuple[str, int | None]]:
    """Name and G of every norm that there is; with few groups and with many where it takes them."""
    return [(name, groups) for name in LAYERS for groups in ((2, 8) if name in GROUPED else (None,))]


def hold_to_the_replica_rule(name: str, groups: int | None, **where: Any) -> None:
    """Several replicas in one layer against each in a layer of its own, in float64, over three batches.

    Outputs, all gradients and all buffers, in training and then in evaluation. The replicas see numbers
    of very different size, so that a mixture shows. `where`: more `Settings`. Raises AssertionError.
    """
    torch.manual_seed(1)
    settings = Settings(channels=C, groups=groups, **where)
    packed = norm_layer(name, replace(settings, replicas=REPLICAS)).double()
    alone = [norm_layer(name, settings).double() for _ in range(REPLICAS)]
    with torch.no_grad():
        for all_of_them in packed.parameters():
            all_of_them.copy_(torch.randn(all_of_them.shape, dtype=all_of_them.dtype))
        for r, layer in enumerate(alone):
            for key, own in layer.named_parameters():
                own.copy_(packed.get_parameter(key).chunk(REPLICAS)[r])
    for training in (True, True, True, False):
        packed.train(training)
        _one_batch(packed, [layer.train(training) for layer in alone])
    for key, tensor in packed.named_parameters():
        expected = torch.cat([_gradient(layer.get_parameter(key)) for layer in alone])
        torch.testing.assert_close(_gradient(tensor), expected)
    for key, buffer in packed.named_buffers():
        torch.testing.assert_close(buffer, torch.cat([layer.get_buffer(key) for layer in alone]))


def _one_batch(packed: nn.Module, alone: list[nn.Module]) -> None:
    parts = [10.0**r * torch.randn(N, C, H, W, dtype=torch.float64) + r for r in range(REPLICAS)]
    x = torch.cat(parts, 1).requires_grad_()
    out = packed(x)
    towards = torch.randn_like(out)
    out.backward(towards)
    for r, layer in enumerate(alone):
        part = parts[r].requires_grad_()
        expected = layer(part)
        expected.backward(towards.chunk(REPLICAS, 1)[r])
        torch.testing.assert_close(out.chunk(REPLICAS, 1)[r], expected)
        torch.testing.assert_close(_gradient(x).chunk(REPLICAS, 1)[r], _gradient(part))


def _gradient(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad
