"""Every norm by name, and the layer that a cell's network has in a place."""

from collections.abc import Callable
from dataclasses import replace

from torch import nn

from model.net.norms.batch import BatchNorm, FrozenBatchNorm
from model.net.norms.batch_group import BatchGroupNorm
from model.net.norms.evonorm import EvoNormB0, EvoNormS0
from model.net.norms.free import DynamicTanh, NoNorm
from model.net.norms.group import GroupNorm, RMSGroupNorm
from model.net.norms.layer import Settings
from model.net.norms.own import own_layer
from model.net.norms.renorm import BatchRenorm
from model.net.norms.response import FilterResponseNorm
from model.norm_table import EPS, GROUPED, MOMENTUM
from model.own import is_own
from model.spec import Spec

#: A new norm is one line here, a file beside this one, and its facts in `model.norm_table`.
LAYERS: dict[str, Callable[[Settings], nn.Module]] = {
    "bn": BatchNorm,
    "gn": GroupNorm,
    "ln": lambda settings: GroupNorm(replace(settings, groups=1)),
    "in": lambda settings: GroupNorm(replace(settings, groups=settings.channels)),
    "rms": RMSGroupNorm,
    "bgn": BatchGroupNorm,
    "brn": BatchRenorm,
    "frn": FilterResponseNorm,
    "evob0": EvoNormB0,
    "evos0": EvoNormS0,
    "dyt": DynamicTanh,
    "fbn": FrozenBatchNorm,
    "none": NoNorm,
}


def norm_layer(name: str, settings: Settings) -> nn.Module:
    """The norm called `name`, or of that import path.

    Raises ValueError where it has no G and needs it, or the other way round; InputError of an own norm.
    """
    if is_own(name):
        return own_layer(name, settings)
    if (settings.groups is not None) != (name in GROUPED):
        raise ValueError(
            f"groups is for {', '.join(GROUPED)}, which need it: got {name!r} with groups {settings.groups!r}"
        )
    return LAYERS[name](settings)


def norm_of(
    spec: Spec, channels: int, replicas: int, *, activation: bool = True, ends_branch: bool = False
) -> nn.Module:
    """The layer under study over so many channels of each replica; see `Settings` for where it stands."""
    return norm_layer(
        spec.norm,
        Settings(
            channels=channels,
            replicas=replicas,
            groups=spec.groups,
            eps=EPS if spec.eps is None else spec.eps,
            momentum=MOMENTUM if spec.norm_momentum is None else spec.norm_momentum,
            norm_batch=spec.norm_batch,
            activation=activation,
            ends_branch=ends_branch,
        ),
    )
