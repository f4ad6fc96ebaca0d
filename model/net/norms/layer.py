"""What every norm has in common: its settings, γ and β, and who applies the activation.

Activations are [N, R·C, H, W] with replica r in channels r·C to (r+1)·C. A norm never mixes two replicas, and
every parameter and buffer has replicas outermost in its first dimension (`model.net.replicas`).

Some norms have the activation built in. A network says where it wants one (`Settings.activation`) and asks
`activated` for a norm with its activation; before the addition of a residual block and in its shortcut
there is none, and after the addition it is the network's own ReLU, whatever the norm. So do the authors of
EvoNorm in ResNets with the activation after the addition (tensorflow/tpu,
`models/official/resnet/resnet_model.py`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.norm_table import EPS, MOMENTUM


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a layer is made from.

    `groups`: G, for norms that need it. `momentum`: weight of the newest batch in running statistics.
    `norm_batch`: images that share statistics; None: the batch. `activation`: whether an activation follows,
    which the layer may bring itself. `ends_branch`: it is the last norm of a residual branch.
    """

    channels: int
    replicas: int = 1
    groups: int | None = None
    eps: float = EPS
    momentum: float = MOMENTUM
    norm_batch: int | None = None
    activation: bool = True
    ends_branch: bool = False

    @property
    def all_channels(self) -> int:
        return self.replicas * self.channels

    @property
    def all_groups(self) -> int:
        """Groups of all replicas. Raises ValueError where G is missing or does not divide the channels."""
        if not self.groups or self.channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {self.channels} channels")
        return self.replicas * self.groups


class NormLayer(nn.Module):
    """Input and output [N, R·C, H, W].

    `activates`: the activation is part of it. `reads_output`: its gradient needs its own output, which the
    network must then not overwrite. `total_steps`: of the training, 0 where nobody has said (`know_length`).
    `fused`: computed by kernels of ours where there are any (`model.net.norm_kernels`).
    """

    total_steps = 0
    activates = False
    reads_output = False
    fused = False

    def in_one(self, x: Tensor, added: Tensor | None, *, relu: bool) -> Tensor | None:
        """The norm of x, what is added to it, and ReLU, in one kernel; None where there is none for it."""
        return None


class Affine(NormLayer):
    """γ and β per channel, R·C of each, as `weight` and `bias`: all norms here have them.

    Wu & He 2018, equation 6. torch's InstanceNorm2d leaves them out unless asked, and here that would
    confound the comparison.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.weight = nn.Parameter(torch.ones(settings.all_channels))
        self.bias = nn.Parameter(torch.zeros(settings.all_channels))

    running_mean: Tensor
    running_var: Tensor

    def keep_statistics(self, count: int) -> None:
        """So many means and variances as buffers, `running_mean` and `running_var`, from 0 and 1."""
        self.register_buffer("running_mean", torch.zeros(count))
        self.register_buffer("running_var", torch.ones(count))

    def affine(self, x: Tensor) -> Tensor:
        """γ·x + β."""
        return torch.addcmul(per_channel(self.bias), x, per_channel(self.weight))


class BatchStatistics(Affine):
    """A norm whose statistics are the batch's in training and running ones in evaluation.

    Where fewer images than the batch share statistics (`Settings.norm_batch`), each such ghost batch is
    normalised by itself, and the running statistics take one after the other (Hoffer et al. 2017, Train
    longer, generalize better, algorithm 1).
    """

    def forward(self, x: Tensor) -> Tensor:
        ghost = self.ghost(x)
        if ghost is None:
            return self.normalise(x)
        return torch.cat([self.normalise(part) for part in torch.split(x, ghost)])

    def ghost(self, x: Tensor) -> int | None:
        """Images that share statistics now, where they are fewer than these."""
        size = self.settings.norm_batch
        return size if self.training and size is not None and size < len(x) else None

    def normalise(self, x: Tensor) -> Tensor:
        """Of images that share statistics."""
        raise NotImplementedError


def activated(norm: nn.Module, x: Tensor) -> Tensor:
    """norm(x) with its activation: the layer's own, else ReLU."""
    if (fused := _in_one(norm, x, None)) is not None:
        return fused
    out: Tensor = norm(x)
    if getattr(norm, "activates", False):
        return out
    return F.relu(out, inplace=may_overwrite(norm))


def added_to(shortcut: Tensor, norm: nn.Module, x: Tensor) -> Tensor:
    """ReLU of norm(x) + shortcut: the end of a residual block, whatever the norm."""
    if (fused := _in_one(norm, x, shortcut)) is not None:
        return fused
    out: Tensor = norm(x)
    return F.relu(out.add_(shortcut) if may_overwrite(norm) else out + shortcut, inplace=True)


def _in_one(norm: nn.Module, x: Tensor, added: Tensor | None) -> Tensor | None:
    return norm.in_one(x, added, relu=True) if isinstance(norm, NormLayer) and norm.fused else None


def know_length(net: nn.Module, total_steps: int) -> None:
    """Tell the norms, of which some change over a training, how many steps it has."""
    for module in net.modules():
        if isinstance(module, NormLayer):
            module.total_steps = total_steps


def gamma_of(norm: nn.Module) -> Tensor | None:
    """γ, which starts at 0 at the end of a branch where the recipe asks for it; None where there is none."""
    named = dict(norm.named_parameters())
    weight = named.get("weight", named.get("one.weight"))  # of a layer, or of a user's module in one
    return weight if weight is not None and weight.dim() == 1 else None


def may_overwrite(norm: nn.Module) -> bool:
    """Whether a norm's output may be worked on in place: its gradient needs its input, not its output."""
    return not getattr(norm, "reads_output", True)


def per_channel(values: Tensor) -> Tensor:
    """[C] as [C, 1, 1], beside [N, C, H, W]."""
    return values.view(-1, 1, 1)
