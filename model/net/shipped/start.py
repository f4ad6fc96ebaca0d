"""How the convolutional networks that ship start: as `model.net.init` says of the ResNets."""

from torch import nn

from model.net.init import CLASSIFIER_STD


def start(network: nn.Module, classifier: nn.Linear) -> None:
    """Convolutions as He et al. 2015, Delving Deep into Rectifiers, equation 10; the classifier small."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    nn.init.normal_(classifier.weight, std=CLASSIFIER_STD)
    nn.init.zeros_(classifier.bias)
