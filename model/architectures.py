"""The networks that there are, as facts: what declares, plans and reports trials needs no torch.

The networks themselves are in `model.net`. One of a user's own (`model.own`) is in no table: which G divide
its channels is known once it is built.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from model.own import unpinned

#: Norms over the channels of one position, without statistics of a batch or an image.
_BY_POSITION = ("ln", "gn", "rms", "dyt", "none")


@dataclass(frozen=True)
class Architecture:
    """What is known of a network.

    `title`: for people. `source`: paper, section. `channels`: those that its norms see, at width 1; G divides
    them all. `depth`: of He et al.'s CIFAR ResNets, 6n + 2 layers. `shortcuts`: whether the axis `shortcut`
    says something of it. `zero_gamma`: whether it has residual branches that end in a norm. `by_position`:
    norms see no maps but one position at a time, so a group of one channel would be nothing but zeros.
    `norms`: those that go with it, None for all; `why`: the others do not.
    """

    name: str
    title: str
    source: str
    channels: tuple[int, ...]
    depth: int | None = None
    shortcuts: bool = False
    zero_gamma: bool = False
    by_position: bool = False
    norms: tuple[str, ...] | None = None
    why: str = ""

    def widths(self, width: int = 1) -> tuple[int, ...]:
        """The channels that its norms see."""
        return tuple(width * channels for channels in self.channels)

    def allowed_groups(self, width: int = 1) -> tuple[int, ...]:
        """Every G that divides all channels, ascending; `by_position` none with groups of one channel."""
        common = math.gcd(*self.widths(width))
        most = common // 2 if self.by_position else common
        return tuple(g for g in range(1, most + 1) if common % g == 0)


def _resnet(depth: int) -> Architecture:
    return Architecture(
        f"resnet{depth}",
        f"ResNet-{depth}",
        "He et al. 2015, Deep Residual Learning, section 4.2",
        (16, 32, 64),
        depth=depth,
        shortcuts=True,
        zero_gamma=True,
    )


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        *(_resnet(depth) for depth in (20, 32, 44, 56, 110)),
        Architecture(
            "vgg", "VGG-like CNN", "Simonyan & Zisserman 2015, section 2.1, with norms", channels=(16, 32, 64)
        ),
        Architecture(
            "resnet18",
            "ResNet-18 for small images",
            "He et al. 2015, Deep Residual Learning, table 1, as torchvision has it",
            channels=(64, 128, 256, 512),
            zero_gamma=True,
        ),
        Architecture(
            "gnresnet",
            "GN-ResNet",
            "Qiao et al. 2019, Weight Standardization, section 3; Wu & He 2018, table 3",
            channels=(32, 64, 128),
            zero_gamma=True,
        ),
        Architecture(
            "lstm",
            "LSTM over rows",
            "Ba et al. 2016, Layer Normalization, equations 20 to 22",
            channels=(256, 64),
            by_position=True,
            norms=_BY_POSITION,
            why="statistics of a batch or of an image would differ from step to step of its sequence",
        ),
        Architecture(
            "mixer",
            "MLP-Mixer",
            "Tolstikhin et al. 2021, section 2, equation 1",
            channels=(64,),
            by_position=True,
            norms=("bn", *_BY_POSITION),
            why="it has tokens and no maps",
        ),
    )
}


class Problem(NamedTuple):
    """What does not go together: the axis that is wrong, and why in words."""

    axis: str
    text: str


def problem(model: str, *, norm: str, groups: int | None, width: int, shortcut: str) -> Problem | None:
    """What of a cell does not go with its network; None where nothing is known to.

    Of a network or a norm of a user's own it is known when they are built.
    """
    if (known := ARCHITECTURES.get(model)) is None:
        return None
    if known.norms is not None and ":" not in norm and norm not in known.norms:
        return Problem(
            "norm", f"{norm} does not go with {model}: {known.why}; it takes {_words(known.norms)}"
        )
    if groups is not None and groups not in (allowed := known.allowed_groups(width)):
        channels = _words(known.widths(width))
        return Problem(
            "groups", f"G = {groups} does not divide the channels {channels}; allowed: {_words(allowed)}"
        )
    if shortcut != "projection" and not known.shortcuts:
        return Problem("shortcut", f"{shortcut} is for the ResNets of He et al.; {model} has no such choice")
    return None


def idle(model: str, said: Mapping[str, bool]) -> Problem | None:
    """An axis that is `said`, not at its default, and would change a trial's id and none of its numbers."""
    known = ARCHITECTURES.get(model)
    heard = {
        "shortcut": known is not None and known.shortcuts,
        "weight_standardization": known is not None and known.depth is not None,
        "zero_gamma": known is None or known.zero_gamma,
    }
    for axis, is_said in said.items():
        if is_said and not heard[axis]:
            return Problem(axis, f"the network {unpinned(model)} has no such choice; leave it out")
    return None


def groups_in_words(model: str, width: int = 1) -> str:
    """Every G that may be said, for a message."""
    known = ARCHITECTURES.get(model)
    return _words(known.allowed_groups(width)) if known else "the divisors of its channels"


def _words(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
