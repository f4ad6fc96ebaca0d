"""Batch-group norm: statistics over the images of a batch and the channels of a group."""

from torch import Tensor
from torch.nn import functional as F

from model.net.norms.layer import BatchStatistics, Settings


class BatchGroupNorm(BatchStatistics):
    """Mean and variance over N, C/G, H and W (Summers & Dinneen 2020, on very small batches).

    Between batch norm (G = C) and layer norm that shares statistics between images (G = 1). As batch norm it
    has running statistics for evaluation, here one mean and one variance for each group; γ and β stay per
    channel.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.keep_statistics(settings.all_groups)

    def normalise(self, x: Tensor) -> Tensor:
        grouped = x.reshape(len(x), self.settings.all_groups, -1)
        mean, var, of = self.running_mean, self.running_var, self.settings
        out = F.batch_norm(grouped, mean, var, None, None, self.training, of.momentum, of.eps)
        return self.affine(out.view(x.shape))
