"""Which parameters of a network are its norms', and which its classifier's."""

from collections.abc import Iterable

from torch import nn

from model.errors import InputError
from model.net.network import ReplicaNetwork


def of_the_norms(net: ReplicaNetwork) -> frozenset[int]:
    """The numbers, in the order of net.parameters(), of γ, β and whatever else is a studied layer's.

    Raises InputError where there are none.
    """
    found = _numbers(net, net.norms().values())
    if not found:
        raise InputError("decay_norm: false, but the norm has no parameters that could decay; leave it out")
    return found


def of_the_classifier(net: ReplicaNetwork) -> frozenset[int]:
    """The same of the layer that gives the logits. Raises InputError where none can be told."""
    layer = net.classifying()
    if layer is None:
        raise InputError(
            "grad_clip agc leaves the classifier alone, and no layer of the network has weights for each "
            "class; end it with a torch.nn.Linear of that many outputs, or clip by norm"
        )
    return _numbers(net, [layer])


def _numbers(net: ReplicaNetwork, modules: Iterable[nn.Module]) -> frozenset[int]:
    own = {id(parameter) for module in modules for parameter in module.parameters()}
    return frozenset(number for number, parameter in enumerate(net.parameters()) if id(parameter) in own)
