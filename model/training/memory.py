"""How much memory a replica takes, counted on the network itself, for packs that fit at the first try.

What a step keeps for its backward pass is counted by torch's own hooks, on two images and on any machine,
and grows with the batch. The factor on top, for gradients on their way and for workspaces, is a bound on
the safe side and not measured; a pack that needs more still halves itself and goes on.
"""

import functools
from dataclasses import replace

import torch

from model.data.dataset import DataInfo
from model.net.build import network
from model.spec import Spec
from model.training.step import UPDATES

_IMAGES = 2
#: Gradients of activations live as long as what they are made of; workspaces.
_SAFETY_FACTOR = 2
#: Of all weights, beside what the optimiser remembers of them: themselves and their gradients.
_COPIES = 2


def saved_bytes(spec: Spec, info: DataInfo) -> int:
    """Bytes that one replica's forward pass keeps for its backward pass, for each image of the batch."""
    return _saved_bytes(replace(spec.as_tried, batch_size=1), info)


@functools.cache  # a plan asks for every cell, and many have one network
def _saved_bytes(spec: Spec, info: DataInfo) -> int:
    net = network(spec, info, [1], zero_gamma=False, together=False)
    own = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}  # held, so that no address is used twice

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    images = torch.zeros(_IMAGES, info.channels, info.height, info.width)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(images)
    return sum(storage.nbytes() for storage in kept.values()) // _IMAGES


def replica_bytes(spec: Spec, info: DataInfo) -> int:
    """Bytes of device memory that one replica of a pack needs, the epoch's augmented images included."""
    net = network(spec, info, [1], zero_gamma=False)
    weights = sum(parameter.nbytes for parameter in net.parameters())
    epoch = spec.images(info.train_size) * info.channels * info.height * info.width
    copies = _COPIES + len(UPDATES[spec.optimizer].keeps) + (spec.grad_clip != "none")  # clipped gradients
    return _SAFETY_FACTOR * spec.batch_size * saved_bytes(spec, info) + copies * weights + epoch
