"""A user's own network looked at before its first trial: can it be trained, and in packs?

What a module does is known by running it. So it is run, on random images in the shape of the data, before
anything is planned: what cannot train is one clear error that names the file, and packs are made of it only
where, in float64, a pack's output, gradients and buffers are those of its replicas alone.
"""

import functools
import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.errors import InputError, summary
from model.net.build import maker, module, network
from model.net.network import Images, ReplicaNetwork
from model.net.parts import of_the_classifier, of_the_norms
from model.net.side_by_side import DifferentError, gradient, hold
from model.net.studied import Norm
from model.net.trainable import why_untrainable
from model.own import is_own, short_name, source_file, where
from model.randomness import drawing_from
from model.spec import Spec

_IMAGES = 4
_SEEDS = (1, 2, 3)
#: The axes that make a network what it is, or ask for a part of it. Cells that differ in others alone, as in
#: a search over learning rates, have one network, which is looked at once.
OF_THE_NETWORK = (
    "model",
    "shortcut",
    "width",
    "zero_gamma",
    "norm",
    "groups",
    "norm_batch",
    "norm_momentum",
    "eps",
    "weight_standardization",
    "decay_norm",
    "grad_clip",
)


def why_alone(spec: Spec, images: Images) -> str | None:
    """Why the replicas of a cell's network cannot train as one; None where they can.

    Raises InputError where the network cannot train at all.
    """
    if not is_own(spec.model):
        return None
    of_it: Any = {name: getattr(spec, name) for name in OF_THE_NETWORK}
    return _why_alone(Spec(**of_it, batch_size=_IMAGES, epochs=1), images)


@functools.cache  # a plan asks for every cell, a worker for every pack
def _why_alone(spec: Spec, images: Images) -> str | None:
    with drawing_from(0):  # a network that draws numbers must not change others'
        _hold_to_the_contract(spec, images)
        return _difference(spec, images)


def _hold_to_the_contract(spec: Spec, images: Images) -> None:
    """Raises InputError where a network is none that can be trained, twice alike."""
    name, classes = short_name(spec.model), len(images.classes)
    one, again = (_made(spec, images) for _ in range(2))
    if not any(isinstance(part, Norm) for part in one.modules()):
        raise _error(spec, f"{name} never calls norm(channels), so there is no norm in it to study")
    x = torch.randn(_IMAGES, images.channels, images.height, images.width)
    labels, kept = torch.arange(_IMAGES) % classes, x.clone()
    try:
        out, second = one(x), again(x)
    except Exception as error:  # whatever a user's module raises
        raise _raised(spec, error, f"does not take images {list(x.shape)}") from None
    if not torch.equal(x, kept):
        raise _error(spec, f"{name} changes the images that it is given; compute out of place (x = x - 1)")
    if not isinstance(out, Tensor) or out.shape != (_IMAGES, classes):
        got = list(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise _error(spec, f"{name} gives {got} for {_IMAGES} images; expected logits [{_IMAGES}, {classes}]")
    if not torch.equal(out.nan_to_num(), second.nan_to_num()):
        raise _error(
            spec,
            f"{name} gives other numbers when it is made and run again from the same seed (dropout? numbers "
            "of numpy or random?), so no run of it could be repeated or go on; take out what is random",
        )
    named = dict(one.named_parameters())
    if not out.requires_grad:
        raise _error(spec, f"{name} gives logits without a gradient; are they computed under no_grad?")
    grads = torch.autograd.grad(F.cross_entropy(out, labels), list(named.values()), allow_unused=True)
    if unused := [key for key, grad in zip(named, grads, strict=True) if grad is None]:
        raise _error(spec, f"{name}.{unused[0]} is a parameter without a part in the output; take it out")
    _hold_to_the_axes(spec, images)
    if not all(tensor.isfinite().all() for tensor in (out, *(grad for grad in grads if grad is not None))):
        raise _error(spec, f"{name} gives NaN or infinity at the first step, on standardised images")


def _hold_to_the_axes(spec: Spec, images: Images) -> None:
    """Raises InputError where an axis asks for a part of the network that it has not."""
    net = network(spec, images, _SEEDS[:1], zero_gamma=spec.zero_gamma, together=False)
    try:
        if spec.grad_clip == "agc":
            of_the_classifier(net)
        if not spec.decay_norm:
            of_the_norms(net)
    except InputError as error:
        raise _error(spec, str(error)) from None


def _made(spec: Spec, images: Images) -> nn.Module:
    name, make = short_name(spec.model), maker(spec)
    if not callable(make):
        raise _error(
            spec, f"{name} cannot be called; expected a class or function of (in_channels, classes, norm)"
        )
    if spec.width != 1 and "width" not in inspect.signature(make).parameters:
        raise _error(spec, f"width {spec.width}: {name} has no parameter called width")
    try:
        made = module(spec, images, _SEEDS[0], zero_gamma=spec.zero_gamma, together=False)
    except Exception as error:  # whatever a user's module raises
        raise _raised(spec, error, "cannot be made from (in_channels, classes, norm)") from None
    if not isinstance(made, nn.Module):
        raise _error(spec, f"{name} gives a {type(made).__name__}; expected a torch.nn.Module")
    for path, parameter in made.named_parameters():
        if why := why_untrainable(parameter):
            raise _error(spec, f"{name}.{path} {why}")
    return made


def _difference(spec: Spec, images: Images) -> str | None:
    """Where a pack differs from its replicas alone, in words; None where it does not."""
    try:
        packed = network(spec, images, _SEEDS, zero_gamma=spec.zero_gamma).double()
        alone = [
            network(spec, images, [s], zero_gamma=spec.zero_gamma, together=False).double() for s in _SEEDS
        ]
        for training in (True, True, False):
            _one_batch(packed.train(training), [net.train(training) for net in alone], images)
        _same(packed.named_parameters(), alone, "the gradient of ", gradients=True)
        _same(packed.named_buffers(), alone, "")
    except DifferentError as error:
        return f"a pack of it would not equal its seeds alone: {error}"
    except Exception as error:  # what vmap cannot do is said by many kinds of error
        return f"its seeds cannot be stacked: {summary(error)}"
    return None


def _one_batch(packed: ReplicaNetwork, alone: list[ReplicaNetwork], images: Images) -> None:
    """Images of very different size for each replica, so that a mixture shows. Raises DifferentError."""
    shape = (_IMAGES, images.channels, images.height, images.width)
    parts = [4.0**r * torch.randn(shape, dtype=torch.float64) + r for r in range(len(alone))]
    out = packed(torch.cat(parts, 1))
    expected = torch.cat([net(part) for net, part in zip(alone, parts, strict=True)])
    hold(out, expected, "the output")
    towards = torch.randn_like(out)
    torch.autograd.backward([out, expected], [towards, towards])


def _same(
    named: Iterable[tuple[str, Tensor]], alone: list[ReplicaNetwork], what: str, gradients: bool = False
) -> None:
    others = [{**dict(net.named_parameters()), **dict(net.named_buffers())} for net in alone]
    for name, tensor in named:
        theirs = [other[name] for other in others]
        both = [tensor, *theirs]
        here, *there = [gradient(part) for part in both] if gradients else both
        hold(here, torch.cat(there), f"{what}{name}")


def _raised(spec: Spec, error: Exception, what: str) -> InputError:
    if isinstance(error, InputError):
        return error
    place = where(error, source_file(spec.model))
    return InputError(f"{place}: {short_name(spec.model)} {what}: {summary(error)}")


def _error(spec: Spec, problem: str) -> InputError:
    """A message with the file and the line where the network begins."""
    file = source_file(spec.model)
    try:
        line = f" line {inspect.getsourcelines(maker(spec))[1]}"
    except (TypeError, OSError):
        line = ""
    return InputError(f"{file}{line}: {problem}")
