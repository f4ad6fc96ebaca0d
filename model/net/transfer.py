"""What a network takes over from another's weights, and what it starts anew: by name and shape.

A norm is switched within a network, so that all else is to stay as it was trained:

- convolutions, linear layers and whatever else lies outside the norms: all of them, and one that does not fit
  is an error; but the classifier starts anew where the data has other classes;
- γ, β and a norm's other parameters: those that the parent has under the same name in the same shape. Batch
  norm's γ and β are group norm's, both being per channel; Dynamic Tanh's α starts anew;
- running statistics: those of a layer where the parent has all that the layer keeps. Frozen batch norm takes
  batch norm's; group norm has none, and those of the parent are dropped; batch renorm keeps a standard
  deviation where batch norm keeps a variance, so it starts its own anew;
- counters (buffers of whole numbers): from their beginning, since the training is a new one.

Wu & He 2018, section 4.2, fine-tune in this way, their batch norm frozen. What starts anew is as in a trial
from scratch of the same seed.
"""

from collections.abc import Collection, Mapping

from torch import Tensor

from model.net.build import network
from model.net.network import Images
from model.spec import Spec

Tensors = Mapping[str, Tensor]


class MisfitError(ValueError):
    """The parent's weights are those of another network."""


def taken_over(
    parent: Tensors, weights: Tensors, statistics: Tensors, norms: Collection[str], classes: int
) -> dict[str, Tensor]:
    """What a fresh replica of `weights` and `statistics`, its buffers, takes from a trained one: name -> the
    parent's tensor. All of one replica.

    `norms`: names of its norm layers. Raises MisfitError.
    """
    for name in parent:
        if name not in weights and name not in statistics and _layer(name, norms) is None:
            raise MisfitError(f"{name} is not part of this network")
    taken = {}
    for name, tensor in weights.items():
        if _fits(parent.get(name), tensor):
            taken[name] = parent[name]
        elif _layer(name, norms) is None and not _is_classifier(parent.get(name), tensor, classes):
            raise MisfitError(f"{name} is {_shape(parent.get(name))} there and {_shape(tensor)} here")
    floating = {name: tensor for name, tensor in statistics.items() if tensor.is_floating_point()}
    for name, tensor in floating.items():
        layer = _layer(name, norms)
        kept = [other for other in floating if layer is not None and _layer(other, norms) == layer]
        if all(_fits(parent.get(other), floating[other]) for other in kept or [name]):
            taken[name] = parent[name]
        elif layer is None:
            raise MisfitError(f"{name} is {_shape(parent.get(name))} there and {_shape(tensor)} here")
    return taken


def misfit(child: Spec, images: Images, parent: Spec, parents_images: Images) -> str | None:
    """Why weights of one cell do not fit into another's network; None where they do. Builds both."""
    own, other = (
        network(spec, data, [0], zero_gamma=spec.zero_gamma, together=False)
        for spec, data in ((child, images), (parent, parents_images))
    )
    weights, statistics = dict(own.named_parameters()), dict(own.named_buffers())
    there: dict[str, Tensor] = {**dict(other.named_parameters()), **dict(other.named_buffers())}
    try:
        taken_over(there, weights, statistics, own.norms(), len(images.classes))
    except MisfitError as error:
        return str(error)
    return None


def _layer(name: str, norms: Collection[str]) -> str | None:
    """The norm that a tensor is of; None where it is of none."""
    return next((norm for norm in norms if name.startswith(f"{norm}.")), None)


def _fits(there: Tensor | None, here: Tensor) -> bool:
    return (
        there is not None
        and there.shape == here.shape
        and there.is_floating_point() == here.is_floating_point()
    )


def _is_classifier(there: Tensor | None, here: Tensor, classes: int) -> bool:
    """Whether two tensors differ in the number of classes alone."""
    if there is None or not here.dim() or there.dim() != here.dim():
        return False
    return len(here) == classes and there.shape[1:] == here.shape[1:]


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"{[*tensor.shape]}"
