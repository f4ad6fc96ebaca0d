"""Products whose factors are rounded to bfloat16: what bf16 is, whatever computes it.

Both ways: the gradient of a factor is a product of the other one and of the gradient that came, and all three
are rounded. Sums are float32. A bfloat16 has 8 bits, so float32 holds the product of two exactly, and a
float32 kernel on rounded factors gives what bfloat16's own would, before that rounds its sums. So a CPU has
the numbers of bf16, to the bit the same in any pack as its float32 kernels are, and the time of float32: of
oneDNN's own kernels no order of sums could be told, as bfloat16 hides it nearly always.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

#: A convolution, say, of its factors.
Product = Callable[..., Tensor]
#: To the nearest number of fewer bits.
Rounding = Callable[[Tensor], Tensor]


def to_bf16(x: Tensor) -> Tensor:
    """The nearest bfloat16 of each number, ties to even, as a float32."""
    return x.to(torch.bfloat16).to(x.dtype)


class _Factor(torch.autograd.Function):
    """Rounded; the gradient passes as it is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: Rounding) -> Tensor:
        return rounding(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


class _Given(torch.autograd.Function):
    """As it is; the gradient is rounded."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: Rounding) -> Tensor:
        ctx.rounding = rounding
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.rounding(grad), None


def by_rounded(product: Product, *factors: Tensor, rounding: Rounding = to_bf16) -> Tensor:
    """product(*factors) of rounded ones, and so its gradients."""
    out: Tensor = _Given.apply(product(*(_Factor.apply(one, rounding) for one in factors)), rounding)
    return out


def baddbmm(bias: Tensor, x: Tensor, weight: Tensor, *, rounding: Rounding = to_bf16) -> Tensor:
    """torch's, of rounded factors."""
    return by_rounded(lambda x, weight: torch.baddbmm(bias, x, weight), x, weight, rounding=rounding)
