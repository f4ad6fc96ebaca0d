"""Batch norm, with running statistics or frozen: over R·C channels it *is* R batch norms."""

from torch import Tensor
from torch.nn import functional as F

from model.net.norms.layer import Affine, BatchStatistics, Settings


class BatchNorm(BatchStatistics):
    """Batch norm of R replicas (Ioffe & Szegedy 2015, algorithms 1 and 2), or ghost batch norm.

    The running variance is the unbiased one, as in torch.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.keep_statistics(settings.all_channels)

    def normalise(self, x: Tensor) -> Tensor:
        out = self._fused(x, None, relu=False) if self.fused else None
        if out is not None:
            return out
        mean, var, of = self.running_mean, self.running_var, self.settings
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, of.momentum, of.eps)

    def in_one(self, x: Tensor, added: Tensor | None, *, relu: bool) -> Tensor | None:
        return None if self.ghost(x) else self._fused(x, added, relu=relu)

    def _fused(self, x: Tensor, added: Tensor | None, *, relu: bool) -> Tensor | None:
        from model.net.norm_kernels import BatchNormFunction, fits

        one_value = len(x) * x.shape[2] * x.shape[3] == 1  # which torch refuses
        if not self.training or one_value or not fits(x):
            return None
        mean, var, of = self.running_mean, self.running_var, self.settings
        out: Tensor = BatchNormFunction.apply(
            x, added, self.weight, self.bias, mean, var, of.momentum, of.eps, relu
        )
        return out


class FrozenBatchNorm(Affine):
    """Batch norm whose statistics never move, a linear layer per channel; γ and β are trained.

    Wu & He 2018, section 4.2, freeze those of a trained network to fine-tune it, as a trial does here that
    starts from one of batch norm (`model.net.transfer`). From scratch they are mean 0 and variance 1: the
    activations are what initialisation makes of them, and the residual network trains because its branches
    start at zero (`Recipe.zero_gamma`).
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.keep_statistics(settings.all_channels)

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.running_mean, self.running_var
        return F.batch_norm(x, mean, var, self.weight, self.bias, False, 0.0, self.settings.eps)
