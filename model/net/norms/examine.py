"""A user's own norm looked at before its first trial: can it be trained, go on, and be packed?

What a layer does is known by running it. So it is run, on random numbers in float64: what cannot be trained
is one clear error that names file and line, and packs are made of it only where a pack's output, gradients
and buffers are those of its replicas alone.
"""

import functools
import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from model.errors import summary
from model.net.norms.layer import Settings
from model.net.norms.own import fault, own_layer
from model.net.side_by_side import DifferentError, gradient, hold
from model.randomness import drawing_from

_SHAPE = (4, 16, 8, 8)  # images, channels, height, width
_REPLICAS = 3


@functools.cache  # a plan asks for every cell, a worker for every pack
def why_norm_alone(value: str, groups: int | None = None) -> str | None:
    """Why seeds with this norm cannot train as one network; None where they can.

    `value`: an import path. Raises InputError where it cannot train, or not go on after an interruption.
    """
    of = Settings(channels=math.lcm(_SHAPE[1], groups or 1), groups=groups)  # G divides any network's
    with drawing_from(0):
        _can_train(value, of)
        _goes_on(value, of)
        try:
            _packs(value, of)
        except DifferentError as difference:
            return f"a pack of {_REPLICAS} would not equal its seeds alone: {difference}"
        except Exception as error:  # whatever a user's layer raises
            return f"a pack of {_REPLICAS} cannot be made: {summary(error)}"
    return None


def _can_train(value: str, of: Settings) -> None:
    layer, x = own_layer(value, of).double(), _noise(of)
    try:
        out = layer(x)
    except Exception as error:  # whatever a user's layer raises
        raise fault(value, f"does not take activations {list(x.shape)}: {summary(error)}", error) from None
    if not isinstance(out, Tensor) or out.shape != x.shape:
        got = list(out.shape) if isinstance(out, Tensor) else f"a {type(out).__name__}"
        raise fault(value, f"makes {got} of activations {list(x.shape)}; a norm keeps the shape")
    if not out.isfinite().all():
        raise fault(value, "gives NaN or infinity for ordinary activations (mean 0, variance 1)")
    named: dict[str, Tensor] = {"its input": x, **dict(layer.named_parameters())}
    if not out.requires_grad:
        raise fault(value, "gives an output without a gradient; is it computed under no_grad or detached?")
    grads = torch.autograd.grad((out * _noise(of).detach()).sum(), list(named.values()), allow_unused=True)
    for name, grad in zip(named, grads, strict=True):
        if grad is None:
            raise fault(value, f"passes no gradient on to {name}, so it would never be trained")
        if not grad.isfinite().all():
            raise fault(value, f"gives {name} a gradient that is NaN or infinite")


def _goes_on(value: str, of: Settings) -> None:
    """Raises InputError where a layer with the state of another computes other numbers than that one."""
    first = own_layer(value, of).double()
    for _ in range(2):
        first(_noise(of))
    second = own_layer(value, of).double()
    second.load_state_dict(first.state_dict())
    for training in (True, True, False):
        x = _noise(of)
        if not torch.equal(first.train(training)(x), second.train(training)(x)):
            raise fault(
                value,
                "does not go on from its own state: two layers with one state_dict give other numbers. "
                "Keep what changes in buffers (register_buffer), and draw nothing at random",
            )


def _packs(value: str, of: Settings) -> None:
    """Raises DifferentError where a pack is not its replicas side by side."""
    packed = own_layer(value, replace(of, replicas=_REPLICAS)).double()
    alone = [own_layer(value, of).double() for _ in range(_REPLICAS)]
    _same_tensors(packed, alone, gradients=False)
    with torch.no_grad():
        for name, parameter in packed.named_parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
            for layer, part in zip(alone, parameter.chunk(_REPLICAS), strict=True):
                layer.get_parameter(name).copy_(part)
    for training in (True, True, False):
        _one_batch(packed.train(training), [layer.train(training) for layer in alone], of)
    _same_tensors(packed, alone, gradients=True)


def _one_batch(packed: nn.Module, alone: list[nn.Module], of: Settings) -> None:
    """Activations of very different size for each replica, so that a mixture shows."""
    parts = [(4.0**r * _noise(of).detach() + r).requires_grad_() for r in range(_REPLICAS)]
    x = torch.cat([part.detach() for part in parts], 1).requires_grad_()
    out, expected = packed(x), torch.cat([layer(part) for layer, part in zip(alone, parts, strict=True)], 1)
    hold(out, expected, "the output")
    towards = torch.randn_like(out)
    torch.autograd.backward([out, expected], [towards, towards])
    hold(gradient(x), torch.cat([gradient(part) for part in parts], 1), "the gradient of the input")


def _same_tensors(packed: nn.Module, alone: list[nn.Module], *, gradients: bool) -> None:
    """Parameters (or their gradients) and buffers, those of the replicas one after another."""
    theirs = [_tensors(layer, gradients=gradients) for layer in alone]
    for name, tensor in _tensors(packed, gradients=gradients).items():
        if name not in theirs[0] or not tensor.dim():
            raise DifferentError(f"{name} has no share for each replica in its first dimension")
        hold(tensor, torch.cat([other[name] for other in theirs]), name)


def _tensors(layer: nn.Module, *, gradients: bool) -> dict[str, Tensor]:
    parameters = {name: gradient(p) if gradients else p.detach() for name, p in layer.named_parameters()}
    return {**parameters, **dict(layer.named_buffers())}


def _noise(of: Settings) -> Tensor:
    images, _, height, width = _SHAPE
    return torch.randn((images, of.channels, height, width), dtype=torch.float64).requires_grad_()
