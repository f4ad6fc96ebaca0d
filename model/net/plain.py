"""One trained network as an ordinary module, for whoever looks into it: no replicas, torch's own layers.

It is made as training makes it, for one replica; then every layer of which torch has the like becomes that:
`nn.Conv2d`, `nn.Linear`, `nn.BatchNorm2d`, `nn.GroupNorm`, so that tools that look for these find them. A
norm that torch has not stays the layer that trained, of one replica, and so it is never run as another.
Tensors keep the names and shapes that they have in a trial's weights.pt.
"""

from torch import nn

from model.net.build import module
from model.net.network import Images
from model.net.norms.batch import BatchNorm
from model.net.norms.group import GroupNorm
from model.net.norms.layer import know_length
from model.net.resnet import Classifier, Conv, ResNet
from model.spec import MODELS, Spec


def plain_network(spec: Spec, images: Images, train_size: int) -> nn.Module:
    """The network of `spec`, its weights yet to be loaded: standardised images [N, C, H, W] -> logits
    [N, classes].

    `train_size`: training images, the hold-out included: how long a training is tells some norms what to do.
    Raises InputError where code of the user's own is not what it was.
    """
    if spec.model in MODELS:
        net: nn.Module = ResNet(spec, images.channels, len(images.classes))
    else:
        net = module(spec, images, 0, zero_gamma=False, together=False)
    know_length(net, spec.total_steps(train_size))
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if (ordinary := _ordinary(child)) is not None:
                setattr(parent, name, ordinary)
    return net


def _ordinary(layer: nn.Module) -> nn.Module | None:
    """Torch's own layer in place of one of ours of one replica; None where it has none that does the same."""
    if isinstance(layer, Conv) and not layer.standardise:
        outputs, inputs, size, _ = layer.weight.shape
        return nn.Conv2d(inputs, outputs, size, layer.stride, size // 2, bias=False)
    if isinstance(layer, Classifier):
        classes, features = layer.weight.shape
        return nn.Linear(features, classes)
    if isinstance(layer, BatchNorm) and layer.settings.norm_batch is None:
        return nn.BatchNorm2d(layer.settings.channels, layer.settings.eps, layer.settings.momentum)
    if isinstance(layer, GroupNorm):
        return nn.GroupNorm(layer.all_groups, layer.settings.channels, layer.settings.eps)
    return None
