"""Convolutions of R replicas whose sums have one order whatever R is: on a CPU a seed then has the same
numbers, to the last bit, in any pack.

oneDNN chooses a kernel by the shapes that it is given, and how it shares one out between threads too. A
grouped convolution can so add up in another order than the convolution of one replica, or of another number
of them: with one thread of an AVX-512 machine the gradient of the input of 16 channels to 16, and the
gradient of the weights of the first convolution and of 1×1 ones; with more threads more.

So each pass (output, gradient of the input, gradient of the weights) has *ways*, and every way says what one
replica's numbers are. Which way is taken depends on the convolution of one replica alone: the first by which
one, two and three replicas agree on random numbers, as the same kernels then add in the same order whatever
the numbers. Several replicas are computed at once where that gives the bits of each by itself, else one by
one.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class Case(NamedTuple):
    """The convolution of one replica, [N, I, H, W] by [O, I, k, k], and all that chooses its kernels."""

    shape: tuple[int, int, int, int]
    outputs: int
    size: int
    stride: int
    dtype: torch.dtype
    layout: torch.memory_format
    threads: int
    onednn: bool


class Operands(NamedTuple):
    """What a pass is given. `grad`: of the output; anything for the forward pass."""

    x: Tensor
    weight: Tensor
    grad: Tensor
    stride: int
    layout: torch.memory_format


#: (operands, replicas) -> the output, the gradient of the input or the gradient of the weights.
Way = Callable[[Operands, int], Tensor]


def _forward(given: Operands, replicas: int) -> Tensor:
    x, weight, _, stride, layout = given
    out = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, replicas)
    # the layout of one channel alone is ambiguous, and torch takes it for the other one
    return out.contiguous(memory_format=layout)


def _backward(given: Operands, replicas: int, of_input: bool) -> Tensor:
    x, weight, grad, stride, _ = given
    pad, mask = weight.shape[-1] // 2, [of_input, not of_input, False]
    grads = torch.ops.aten.convolution_backward(
        grad, x, weight, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], replicas, mask
    )
    out: Tensor = grads[0 if of_input else 1]
    return out


def _input(given: Operands, replicas: int) -> Tensor:
    return _backward(given, replicas, True).contiguous(memory_format=given.layout)


def _input_turned(given: Operands, replicas: int) -> Tensor:
    """With stride 1: a pack's gradient convolved with the kernels turned round, as oneDNN does by itself for
    one replica."""
    if replicas == 1:
        return _input(given, replicas)
    _, weight, grad, _, layout = given
    outputs, inputs, size, _ = weight.shape
    turned = weight.view(replicas, outputs // replicas, inputs, size, size).transpose(1, 2).flip(3, 4)
    turned = turned.reshape(replicas * inputs, -1, size, size).contiguous(memory_format=layout)
    return _forward(Operands(grad, turned, grad, 1, layout), replicas)


def _weight(given: Operands, replicas: int) -> Tensor:
    return _backward(given, replicas, False)


def _weight_paired(given: Operands, replicas: int) -> Tensor:
    """One replica beside a silent copy of itself, so that it has the grouped kernel too."""
    if replicas > 1:
        return _weight(given, replicas)
    x, weight, grad, stride, layout = given
    pair = [torch.cat([part, part], 1).contiguous(memory_format=layout) for part in (x, grad)]
    given = Operands(pair[0], torch.cat([weight, weight]), pair[1], stride, layout)
    return _weight(given, 2)[: len(weight)]


class Chosen(NamedTuple):
    """A way, and whether a pack is computed at once."""

    way: Way
    together: bool

    def __call__(self, given: Operands, replicas: int) -> Tensor:
        if self.together:
            return self.way(given, replicas)
        along = 0 if self.way in (_weight, _weight_paired) else 1
        return torch.cat([self.way(part, 1) for part in _apart(given, replicas)], along)

    def usual(self, replicas: int) -> bool:
        """Whether it is what torch's autograd does with the whole pack."""
        special = _weight_paired if replicas == 1 else _input_turned
        return self.together and self.way is not special


#: The ways of each pass, the cheapest first. The last is taken where none agrees.
FORWARD: tuple[Way, ...] = (_forward,)
INPUT: tuple[Way, ...] = (_input,)
INPUT_STRIDE_1: tuple[Way, ...] = (_input, _input_turned)
WEIGHT: tuple[Way, ...] = (_weight, _weight_paired)


class Ordered:
    """A convolution for `ResNet.compute_by`: as `convolution.grouped`, in an order of its own.

    `layout`: of activations, which those of one channel alone do not tell.
    """

    def __init__(self, layout: torch.memory_format) -> None:
        self.layout = layout
        self._plans: dict[tuple[object, ...], tuple[Chosen, Chosen | None, Chosen | None] | None] = {}

    def __call__(self, x: Tensor, weight: Tensor, stride: int, replicas: int) -> Tensor:
        learning = torch.is_grad_enabled() and weight.requires_grad
        threads, onednn = _settings()
        key = (x.shape, weight.shape, stride, learning, x.requires_grad, threads, onednn)
        if key not in self._plans:
            self._plans[key] = self._plan(x, weight, stride, replicas, learning)
        plan = self._plans[key]
        if plan is None:
            return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, replicas)
        out: Tensor = _Convolution.apply(x, weight, stride, replicas, self.layout, plan)
        return out

    def _plan(
        self, x: Tensor, weight: Tensor, stride: int, replicas: int, learning: bool
    ) -> tuple[Chosen, Chosen | None, Chosen | None] | None:
        """Forward, gradient of the input, of the weights; None where torch's own autograd does."""
        n, channels, height, width = x.shape
        outputs, _, size, _ = weight.shape
        shape = (n, channels // replicas, height, width)
        case = Case(shape, outputs // replicas, size, stride, x.dtype, self.layout, *_settings())
        into = INPUT_STRIDE_1 if stride == 1 else INPUT
        plan = (
            choose(FORWARD, case, replicas),
            choose(into, case, replicas) if learning and x.requires_grad else None,
            choose(WEIGHT, case, replicas) if learning else None,
        )
        usual = all(chosen is None or chosen.usual(replicas) for chosen in plan)
        return None if usual and channels > 1 else plan


def _settings() -> tuple[int, bool]:
    """What chooses kernels beside the shapes: threads, and whether oneDNN is in use."""
    return torch.get_num_threads(), bool(torch._C._get_mkldnn_enabled())


@functools.cache
@torch.no_grad()
def choose(ways: Sequence[Way], case: Case, replicas: int) -> Chosen:
    """The way for this case, found out once a process on random numbers: which one by the case alone."""
    way = next((way for way in ways if all(agrees(way, case, pack) for pack in (2, 3))), ways[-1])
    return Chosen(way, replicas == 1 or agrees(way, case, replicas))


@functools.cache
@torch.no_grad()
def agrees(way: Way, case: Case, replicas: int) -> bool:
    """Whether this way gives every replica of a pack the bits that it has alone."""
    given = _random(case, replicas)
    alone = Chosen(way, together=False)(given, replicas)
    return torch.equal(way(given, replicas), alone)


def _random(case: Case, replicas: int) -> Operands:
    n, inputs, height, width = case.shape
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        drawn = torch.empty(shape, dtype=case.dtype).normal_(generator=generator)
        return drawn.contiguous(memory_format=case.layout)

    return Operands(
        normal(n, replicas * inputs, height, width),
        normal(replicas * case.outputs, inputs, case.size, case.size),
        normal(n, replicas * case.outputs, -(-height // case.stride), -(-width // case.stride)),
        case.stride,
        case.layout,
    )


def _apart(given: Operands, replicas: int) -> list[Operands]:
    """Each replica's operands, laid out as if it were alone."""
    x, weight, grad, stride, layout = given
    parts = [
        [part.contiguous(memory_format=layout) for part in tensor.chunk(replicas, along)]
        for tensor, along in ((x, 1), (weight, 0), (grad, 1))
    ]
    return [Operands(x, weight, grad, stride, layout) for x, weight, grad in zip(*parts, strict=True)]


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        stride: int,
        replicas: int,
        layout: torch.memory_format,
        plan: tuple[Chosen, Chosen | None, Chosen | None],
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.replicas, ctx.layout, ctx.plan = stride, replicas, layout, plan
        return plan[0](Operands(x, weight, x, stride, layout), replicas)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None]:
        _, into, of_weight = ctx.plan
        grad = grad.contiguous(memory_format=ctx.layout)
        x, weight = ctx.saved_tensors
        given = Operands(x, weight, grad, ctx.stride, ctx.layout)
        return (
            into(given, ctx.replicas) if into is not None and ctx.needs_input_grad[0] else None,
            of_weight(given, ctx.replicas) if of_weight is not None and ctx.needs_input_grad[1] else None,
            None,
            None,
            None,
            None,
        )
