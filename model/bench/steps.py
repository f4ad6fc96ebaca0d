"""Ways of computing a step that no sweep uses: experiments on speed, kept for the next machine.

All give the numbers of `model.training.step` up to the order of sums. What a GPU made of them: docs/gpu.md.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from model.bench.branches import Branches
from model.bench.products import matmul
from model.net.resnet import ResNet
from model.spec import Spec
from model.training.step import Precision, Step


class MatmulStep(Step):
    """Convolutions as batched matrix products (`model.bench.products`)."""

    def __init__(self, net: ResNet, specs: Sequence[Spec], precision: Precision = "fp32") -> None:
        super().__init__(net, specs, precision)
        net.compute_by(matmul)


class StreamsStep(Step):
    """Every replica a network of its own, in its own stream (`model.bench.branches`)."""

    def __init__(self, net: ResNet, specs: Sequence[Spec], precision: Precision = "fp32") -> None:
        self.branches = Branches(net)
        super().__init__(net, specs, precision)

    def of_leaves(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        parameters = list(self.net.parameters())
        if all(one is other for one, other in zip(tensors, parameters, strict=True)):
            return self.branches.leaves
        count = self.net.replicas
        return [tensor.chunk(count)[r] for r in range(count) for tensor in tensors]

    def network(self, images: Tensor) -> Tensor:
        return self.branches(images)


class CompiledStep(Step):
    """Forward pass and loss by torch.compile, which takes a minute and needs a compiler on the machine."""

    def __init__(self, net: ResNet, specs: Sequence[Spec], precision: Precision = "fp32") -> None:
        super().__init__(net, specs, precision)
        self._compiled = torch.compile(super().losses, dynamic=False)

    def losses(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self._compiled(images, labels)
