"""A norm that a user brings, as a layer of R replicas.

Two forms, told apart by the parameters of what the import path names:

- one that has `replicas` gives a layer for all of them, [N, R·C, H, W] with replicas outermost in the first
  dimension of every parameter and buffer, as the norms here do;
- any other, an ordinary module of (channels), is used one per replica on that replica's channels. Its tensors
  are stacked, so that a trial goes from pack to pack as every other.

`groups` and `activation` are given where there is a parameter of that name. A parameter called `weight` that
has a value per channel is γ, which starts at 0 where the recipe asks for it. What the constructor draws at
random is the same for every seed. A class attribute `activates = True` says that the activation is part of
it.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from model.errors import InputError, summary
from model.net.norms.layer import NormLayer, Settings
from model.net.trainable import why_untrainable
from model.own import load, short_name, source_file, where
from model.randomness import drawing_from


def own_layer(value: str, settings: Settings) -> nn.Module:
    """The layer of an import path. Raises InputError where it cannot be made."""
    make = load(value)
    if not callable(make):
        raise fault(value, f"is a {type(make).__name__}, expected a class or a function that gives a layer")
    there = _parameters(make)
    offered: dict[str, Any] = {"replicas": settings.replicas, "activation": settings.activation}
    if settings.groups is not None or there.get("groups") is inspect.Parameter.empty:
        offered["groups"] = settings.groups
    given = {name: said for name, said in offered.items() if name in there}
    if settings.groups is not None and "groups" not in there:
        raise fault(value, f"has no parameter called groups, so groups {settings.groups} means nothing to it")
    with drawing_from(0):
        try:
            layer = make(settings.channels, **given)
        except Exception as error:  # whatever a user's code raises
            words = ", ".join(["channels", *given])
            raise fault(value, f"cannot be made from ({words}): {summary(error)}", error) from None
    if not isinstance(layer, nn.Module):
        raise fault(value, f"gives a {type(layer).__name__}, expected a torch.nn.Module")
    for name, parameter in layer.named_parameters():
        if why := why_untrainable(parameter):
            raise fault(value, f"cannot be trained: {name} {why}")
    return layer if "replicas" in there else OnePerReplica(layer, settings)


def fault(value: str, problem: str, error: BaseException | None = None) -> InputError:
    """What is wrong with an own norm: with its file, and the line that raised or where it begins."""
    file = source_file(value)
    place = where(error, file) if error is not None else _beginning(value) or str(file)
    return InputError(f"{place}: norm {short_name(value)} {problem}")


def _beginning(value: str) -> str | None:
    try:
        return f"{source_file(value)} line {inspect.getsourcelines(load(value))[1]}"
    except (TypeError, OSError):
        return None


def _parameters(make: Callable[..., Any]) -> dict[str, Any]:
    """Name -> default, `inspect.Parameter.empty` where there is none."""
    try:
        return {name: p.default for name, p in inspect.signature(make).parameters.items()}
    except (TypeError, ValueError):  # written in C
        return {}


class OnePerReplica(NormLayer):
    """An ordinary module of one replica, run on each replica's channels with that replica's tensors.

    The tensors of `one` are R stacked ones; `one` itself keeps no others. Input and output [N, R·C, H, W].
    """

    reads_output = True

    def __init__(self, one: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.activates = bool(getattr(one, "activates", False))
        self.replicas, self.one = settings.replicas, one
        #: Whose share is a single number, [R] stacked.
        self._numbers = {name for name, tensor in one.state_dict(keep_vars=True).items() if not tensor.dim()}
        for part in one.modules():
            for name, parameter in part.named_parameters(recurse=False):
                stacked = nn.Parameter(self._stacked(parameter), parameter.requires_grad)
                setattr(part, name, stacked)
            for name, buffer in part.named_buffers(recurse=False):
                setattr(part, name, self._stacked(buffer))

    def _stacked(self, tensor: Tensor) -> Tensor:
        part = tensor.detach()
        return torch.cat([part.unsqueeze(0) if not part.dim() else part] * self.replicas)

    def forward(self, x: Tensor) -> Tensor:
        named = {**dict(self.one.named_parameters()), **dict(self.one.named_buffers())}
        return torch.cat([self._of(r, part, named) for r, part in enumerate(x.chunk(self.replicas, 1))], 1)

    def _of(self, replica: int, x: Tensor, named: dict[str, Tensor]) -> Tensor:
        own = {
            name: tensor[replica] if name in self._numbers else tensor.chunk(self.replicas)[replica]
            for name, tensor in named.items()
        }
        after = dict(own)  # functional_call writes into it what the module has put in a tensor's place
        out: Tensor = functional_call(self.one, after, (x.contiguous(),))
        with torch.no_grad():
            for name, tensor in after.items():
                if tensor is not own[name]:
                    own[name].copy_(tensor)
        return out
