"""Batch renormalisation: batch norm corrected towards its running statistics, more so as training goes on."""

import torch
from torch import Tensor
from torch.nn import functional as F

from model.net.norms.layer import BatchStatistics, Settings

#: (share of all steps, r_max) and (share, d_max): constant before the first, linear between, constant after
#: the second. Ioffe 2017, section 4, has r_max 1 and d_max 0 for 5,000 steps, 3 at 40,000 and 5 at 25,000, of
#: about 160,000; a shorter run keeps the shape.
R_MAX = ((1 / 32, 1.0), (1 / 4, 3.0))
D_MAX = ((1 / 32, 0.0), (5 / 32, 5.0))


class BatchRenorm(BatchStatistics):
    """(x − μ_B) / σ_B·r + d, then γ and β (Ioffe 2017, algorithm 1). In evaluation (x − μ) / σ.

    r = σ_B / σ and d = (μ_B − μ) / σ, clipped to [1 / r_max, r_max] and [−d_max, d_max], are constants to the
    gradient. μ and σ move by `momentum` (the paper's α, 0.01) after each batch; σ holds ε, as the paper has
    it.

    How far training has come is counted in `steps`, a buffer that is saved with the statistics: a run that is
    cut goes on with the bounds that it had. Out of how many, `total_steps` says; where nobody has said it,
    the bounds are the last ones.
    """

    running_mean: Tensor
    running_std: Tensor
    steps: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.register_buffer("running_mean", torch.zeros(settings.all_channels))
        self.register_buffer("running_std", torch.ones(settings.all_channels))
        self.register_buffer("steps", torch.zeros(settings.replicas, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        if self.training:
            self.steps += 1
        return out

    def normalise(self, x: Tensor) -> Tensor:
        eps = self.settings.eps
        if not self.training:
            weight = self.weight / self.running_std
            return torch.addcmul(
                (self.bias - self.running_mean * weight).view(-1, 1, 1), x, weight.view(-1, 1, 1)
            )
        with torch.no_grad():
            variance, mean = torch.var_mean(x.to(self.running_std.dtype), (0, 2, 3), correction=0)
            std = (variance + eps).sqrt()
            r, d = self._corrections(mean, std)
            self.running_mean.lerp_(mean, self.settings.momentum)
            self.running_std.lerp_(std, self.settings.momentum)
        weight, bias = self.weight * r, torch.addcmul(self.bias, self.weight, d)
        return F.batch_norm(x, None, None, weight, bias, True, 0.0, eps)

    def _corrections(self, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
        """r and d of each channel, clipped."""
        done = self.steps.to(std.dtype)
        done = done / self.total_steps if self.total_steps else torch.ones_like(done)
        done = done.repeat_interleave(self.settings.channels)
        r_max, d_max = bound(R_MAX, done), bound(D_MAX, done)
        r = torch.minimum(torch.maximum(std / self.running_std, 1 / r_max), r_max)
        d = torch.minimum(torch.maximum((mean - self.running_mean) / self.running_std, -d_max), d_max)
        return r, d


def bound(shape: tuple[tuple[float, float], tuple[float, float]], done: Tensor) -> Tensor:
    """A bound of the shape of `R_MAX` where such a share of the training is done."""
    (begin, low), (end, high) = shape
    return low + (high - low) * ((done - begin) / (end - begin)).clamp(0, 1)
