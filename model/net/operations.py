"""The convolutions of an ordinary module, done on all replicas at once and round vmap.

Their kernels are chosen then, and on a CPU a seed has the same numbers in any pack as far as they go
(`model.net.convolution`).
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from model.net.convolution import Convolve
from model.net.resnet import whole_strides
from model.net.studied import OnAll


class Operations(TorchFunctionMode):
    """While it is entered, the convolutions that `convolve` knows are done by it.

    `together`: within vmap; else the module is called as it is, for one replica.
    """

    def __init__(self, convolve: Convolve, together: bool) -> None:
        super().__init__()
        self.convolve, self.together = convolve, together

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.conv2d:
            return self._conv2d(*args, **(kwargs or {}))
        if func is F.adaptive_avg_pool2d and args[1:] in ((1,), ((1, 1),)):  # for which vmap has no rule
            return args[0].mean((-2, -1), keepdim=True)
        return func(*args, **(kwargs or {}))

    def _conv2d(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        size, step = weight.shape[-1], _pair(stride)
        usual = (
            groups == 1
            and input.dim() == 4
            and size % 2 == 1
            and weight.shape[-2] == size
            and step[0] == step[1]
            and _pair(padding) == (size // 2, size // 2)
            and _pair(dilation) == (1, 1)
        )
        if not usual:
            return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)

        def convolved(x: Tensor, weight: Tensor) -> Tensor:
            replicas = x.shape[1]
            flat = whole_strides(x.flatten(1, 2))
            if torch.is_autocast_enabled(x.device.type):  # of bf16, in which it rounds by itself
                flat = flat.float()
            with torch.autocast(x.device.type, enabled=False):
                out = self.convolve(flat, weight.flatten(0, 1), step[0], replicas)
            return out.view(len(out), replicas, -1, *out.shape[2:])

        if self.together:
            out: Tensor = OnAll.apply(convolved, (1, 0), input, weight)
        else:
            out = convolved(input.unsqueeze(1), weight.unsqueeze(0)).squeeze(1)
        return out if bias is None else out + bias.view(-1, 1, 1)


def _pair(value: Any) -> Any:
    return (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, list) else value
