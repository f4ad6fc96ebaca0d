"""Where the time of a step on a CPU goes, kind by kind of a ResNet's layers, beside what bounds each.

Every layer is run by itself, on tensors of its size, by the function that a sweep has for it; its time is
the least CPU time of this process over several tries, which a busy machine disturbs least, and everything is
gone through several times, so that no kind has all of its tries in a bad minute. Its bound is the larger of
two: its floating-point operations at the rate of the fastest kernel there is, and the bytes that it cannot
but read and write at the rate of the fastest kernel that does little else on as much memory (Williams et al.
2009, Roofline). Small tensors stay in a core's caches, and so do that kernel's.

In a step a layer finds less in the caches than by itself. What a step takes beside the sum of all kinds,
augmentation, loss and torch's own bookkeeping among it, is "all else".
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from model.bench.roofline import arithmetic_rate, memory_rate
from model.bench.variants import training
from model.data.dataset import Dataset
from model.net.convolution import Convolve, convolve
from model.net.norms.layer import Affine
from model.net.resnet import Conv
from model.spec import Spec
from model.training.backend import convolutions
from model.training.layout import MEMORY_FORMATS
from model.training.training import Training

#: Seconds of CPU time that one try takes at least, how many there are, and how often all is gone through.
_TRY, _TRIES, _ROUNDS = 0.004, 3, 3
#: Kinds of layers, with all else and the step.
COUNT = 8


@dataclass(frozen=True)
class Kind:
    """Of one step of all replicas, in milliseconds of one core. `limit`: which of the two bounds it."""

    name: str
    milliseconds: float
    bound: float
    limit: str

    @property
    def share(self) -> float:
        """Of its time that its bound is."""
        return self.bound / self.milliseconds if self.milliseconds else 1.0


def kinds(spec: Spec, replicas: int, data: Dataset) -> list[Kind]:
    """Every kind of layer, what is left of the step, and the step itself."""
    pack = training(spec, replicas, data, torch.device("cpu"))
    pack.train_steps(2)
    steps = min(8, spec.steps_per_epoch(len(data.train_labels)))
    rounds: list[list[Kind]] = []
    whole = float("inf")
    for _ in range(_ROUNDS):
        with convolutions(pack.device, spec.batch_size * data.info.height * data.info.width):
            rounds.append([*_convolutions(pack), *_others(pack)])
        whole = min(whole, _seconds(lambda: pack.train_steps(steps)) / steps * 1e3)
    found = [min(of_one, key=lambda kind: kind.milliseconds) for of_one in zip(*rounds, strict=True)]
    known = sum(kind.milliseconds for kind in found)
    bound = sum(kind.bound for kind in found)
    return [*found, Kind("all else", whole - known, 0.0, ""), Kind("step", whole, bound, "")]


def lines(found: Sequence[Kind]) -> Iterator[str]:
    yield "kind of layer           ms   of the step   bound, ms   by           reached"
    whole = found[-1].milliseconds
    for kind in found:
        reached = f"{kind.share:7.0%}" if kind.bound else ""
        bound = f"{kind.bound:9.2f}" if kind.bound else f"{'':9}"
        yield (
            f"{kind.name:20} {kind.milliseconds:6.2f}   {kind.milliseconds / whole:11.0%}   {bound}   "
            f"{kind.limit:10}   {reached}"
        )


def _convolutions(pack: Training) -> Iterator[Kind]:
    """Output, gradient of the input and of the weights."""
    seconds, memory, work = ([0.0, 0.0, 0.0] for _ in range(3))
    function = convolve(pack.convolution, MEMORY_FORMATS[pack.layout], "fp32")
    for conv, x, y in _seen(pack, Conv):
        assert isinstance(conv, Conv)
        images = conv.weight.shape[1] == pack.data.info.channels  # which need no gradient
        flops = 2.0 * y.numel() * conv.weight[0].numel()
        moved = _moving(x.nbytes + y.nbytes + conv.weight.nbytes)
        for number, spent in enumerate(_passes(function, conv, x, y, into=not images)):
            seconds[number] += spent
            if number != 1 or not images:
                memory[number] += moved
                work[number] += flops
    names = "convolution", "gradient of input", "gradient of weights"
    for row in zip(names, seconds, memory, work, strict=True):
        yield _kind(*row)


def _passes(
    function: Convolve, conv: Conv, x: Tensor, y: Tensor, *, into: bool
) -> tuple[float, float, float]:
    """Of the output; what the gradient of the input takes beside that, and that of the weights."""
    grad = torch.randn_like(y)

    def forward(of_x: bool, of_weight: bool) -> tuple[Tensor, list[Tensor]]:
        a, b = x.detach().requires_grad_(of_x), conv.weight.detach().requires_grad_(of_weight)
        return function(a, b, conv.stride, conv.replicas), [t for t in (a, b) if t.requires_grad]

    def both(of_x: bool) -> object:
        out, leaves = forward(of_x, True)
        return torch.autograd.grad(out, leaves, grad)

    alone = _seconds(lambda: forward(False, False))
    weights = _seconds(lambda: both(False))
    whole = _seconds(lambda: both(True)) if into else weights
    return alone, whole - weights, weights - alone


def _others(pack: Training) -> Iterator[Kind]:
    found = _seen(pack, tuple({type(norm) for norm in pack.net.norms().values()}))
    norms = [(norm, x, y) for norm, x, y in found if isinstance(norm, Affine)]
    seconds = sum(_both_ways(norm, x) for norm, x, _ in norms)
    yield _kind("norm", seconds, sum(_both(x.nbytes) for _, x, _ in norms))
    ends = [y for norm, _, y in norms if norm.settings.ends_branch]
    active = [y for norm, _, y in norms if norm.settings.activation] + ends
    spent = sum(_both_ways(torch.relu_, y, fresh=True) for y in active) + sum(map(_addition, ends))
    moved = sum(_both(y.nbytes) for y in active) + sum(_moving(2 * y.nbytes, 1.5) for y in ends)
    yield _kind("ReLU and addition", spent, moved)
    grads = [torch.randn_like(p) for p in pack.net.parameters()]
    rates = [0.0] * len(pack.step.groups)
    update = _seconds(lambda: pack.step.optimizer.update(grads, rates))
    # weight, gradient and momentum read, weight and momentum written
    weights = sum(p.nbytes for p in pack.net.parameters())
    yield _kind("optimiser", update, _moving(3 * weights, 5 / 3))


def _addition(y: Tensor) -> float:
    into, other = torch.zeros_like(y), torch.randn_like(y)
    return _seconds(lambda: into.add_(other))


def _both_ways(function: Callable[[Tensor], Tensor], x: Tensor, *, fresh: bool = False) -> float:
    """Forward and backward. `fresh`: the function overwrites what it is given."""
    grad = torch.randn_like(x)

    def run() -> object:
        a = x.detach().requires_grad_()
        # what is overwritten must be no leaf; ×1 costs a copy, which is measured and taken off
        out = function(a * 1 if fresh else a)
        return torch.autograd.grad(out, a, grad)

    def without() -> object:
        a = x.detach().requires_grad_()
        return torch.autograd.grad(a * 1, a, grad)

    return max(0.0, _seconds(run) - (_seconds(without) if fresh else 0.0))


def _seen(pack: Training, of: type | tuple[type, ...]) -> list[tuple[nn.Module, Tensor, Tensor]]:
    """Every such layer of the network with what it is given in a step, and what it makes of that."""
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda m, given, out: seen.append((m, given[0].detach(), out.detach())))
        for module in pack.net.modules()
        if isinstance(module, of)
    ]
    info = pack.data.info
    images = torch.randn(pack.spec.batch_size, len(pack.seeds) * info.channels, info.height, info.width)
    pack.net.train()
    pack.net(images.contiguous(memory_format=MEMORY_FORMATS[pack.layout]))
    for hook in hooks:
        hook.remove()
    return seen


def _kind(name: str, seconds: float, memory: float, flops: float = 0.0) -> Kind:
    arithmetic = flops / _flop_rate()
    limit = "arithmetic" if arithmetic > memory else "memory"
    return Kind(name, seconds * 1e3, max(arithmetic, memory) * 1e3, limit)


@cache
def _flop_rate() -> float:
    """Floating-point operations a second of the fastest kernel, by CPU time."""
    return arithmetic_rate(_seconds)


def _both(nbytes: int) -> float:
    """Seconds to move what an elementwise layer does, forward and backward: x read and y written; x and a
    gradient read and another written."""
    return _moving(2 * nbytes) + _moving(3 * nbytes)


@cache
def _moving(resident: int, often: float = 1.0) -> float:
    """Seconds to read or write tensors of `resident` bytes altogether, each byte `often` times on average."""
    return resident * often / memory_rate(_seconds, resident)


def _seconds(work: Callable[[], object]) -> float:
    """The least CPU time of one call."""
    work()
    calls, least = 1, float("inf")
    tries = 0
    while tries < _TRIES:
        begun = time.process_time()
        for _ in range(calls):
            work()
        spent = time.process_time() - begun
        if spent < _TRY:
            calls *= 2
            continue
        least, tries = min(least, spent / calls), tries + 1
    return least
