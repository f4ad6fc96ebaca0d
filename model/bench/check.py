"""Whether a device computes as it has to, in all that a sweep uses there: `python -m model.bench --check`.

For a machine that is lent for minutes and has no test runner. Both norms, in every precision that the device
has, by the convolutions, layouts and norms that a sweep takes there, and by torch's grouped convolutions,
which are taken where ours are not; on a GPU also by ours with weights' gradients on a stream of their own:

- *products*: each convolution of the network and its gradients, beside float64 (`model.bench.products`);
- *float64*: two epochs beside the CPU's, in either layout;
- *training*: two epochs beside the CPU's in float64;
- *NaN*: a replica that is not a number leaves the others as they are. cuDNN may pad merged groups, and zero
  times NaN is NaN;
- *resumption*: the second epoch from the first one's state, beside both in one go;
- *aside*: both epochs with weights' gradients on that stream, beside those on the pack's own, to the bit.

Epochs are long enough that on a GPU most steps are replays of captured ones. How far apart two trainings may
be follows from how much rounding changes them: see `_spread`.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, get_args

import torch

from model.bench.products import emulate, worst_product
from model.bench.variants import Variant, training
from model.data.dataset import DataInfo, Dataset
from model.net.convolution import Convolution
from model.precision import PRECISIONS, Precision
from model.spec import Spec
from model.streams import free_memory
from model.training.calibrate import noise
from model.training.layout import Layout
from model.training.training import Training

_PACK = 3
_EPOCHS = 2
_CPU = torch.device("cpu")
#: Of float64: 2**-53 of a step, amplified as float32's is, stays far below (1.7e-9 on an H100).
_FLOAT64 = 1e-6
#: Spreads that two trainings may be apart: of a normal distribution 6e-11 lie beyond on either side.
_SPREADS = 6.5
#: Convolutions beside those that a sweep takes.
_OTHERS: tuple[Convolution, ...] = ("grouped",)


@dataclass(frozen=True)
class Check:
    """`difference`: what was found, and `most` what may be, both relative; of products in their own bound."""

    kind: str
    norm: str
    precision: str
    way: str
    difference: float
    most: float
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and self.difference <= self.most

    @property
    def line(self) -> str:
        verdict = "ok" if self.passed else f"WRONG {self.error or ''}".rstrip()
        apart = f"{self.difference:.1e} of at most {self.most:.1e}"
        return f"{self.kind:10}  {self.norm:4}  {self.precision:7}  {self.way:22}  {apart}  {verdict}"


def checks(
    device: torch.device,
    say: Callable[[str], None],
    norms: Sequence[str] = ("bn", "gn"),
    *,
    others: bool = True,
) -> Iterator[Check]:
    """One after the other, each said. `others`: convolutions too that only larger batches have."""
    for check in _checks(device, norms, others=others):
        say(check.line)
        yield check
        free_memory()


def table(found: Sequence[Check]) -> Iterator[str]:
    """A line for each kind: how many there were, and what the worst had of what it may."""
    yield "kind        checks  failed  worst, of what may be"
    for kind in dict.fromkeys(check.kind for check in found):
        own = [check for check in found if check.kind == kind]
        shares = [check.difference / check.most if check.most else check.difference for check in own]
        failed = sum(not check.passed for check in own)
        yield f"{kind:10}  {len(own):6}  {failed:6}  {max(shares, key=_rank):.2g}"
    failed = sum(not check.passed for check in found)
    yield f"{len(found)} checks, {failed} failed"


def _rank(share: float) -> float:
    return math.inf if math.isnan(share) else share


def _checks(device: torch.device, norms: Sequence[str], *, others: bool) -> Iterator[Check]:
    precisions = tuple(p for p in PRECISIONS if p != "tf32" or device.type == "cuda")
    ways: list[Convolution | None] = [None, *(_OTHERS if others else ())]
    for precision in precisions:
        for way in ways:
            yield _held("products", "", Variant(way, precision), lambda v: worst_product(device, v), 1.0)
    for norm in norms:
        cell = _cell(norm)
        for layout in get_args(Layout):
            variant = Variant("grouped", layout=layout)
            apart = lambda v, cell=cell: _apart(_trained(cell, device, v, torch.float64), _exact(cell))  # noqa: E731
            yield replace(_held("float64", norm, variant, apart, _FLOAT64), precision="float64")
        for precision in precisions:
            for way in ways:
                yield from _of_a_variant(cell, device, Variant(way, precision))
            if device.type == "cuda":
                yield from _of_aside(cell, device, precision)


def _of_aside(cell: Spec, device: torch.device, precision: Precision) -> Iterator[Check]:
    variant = Variant(precision=precision, aside=True)
    yield from _of_a_variant(cell, device, variant)
    usual = replace(variant, aside=False)
    apart = lambda v: _apart(_trained(cell, device, v), _trained(cell, device, usual))  # noqa: E731
    yield _held("aside", cell.norm, variant, apart, 0.0)


def _of_a_variant(cell: Spec, device: torch.device, variant: Variant) -> Iterator[Check]:
    """Training, a replica that is not a number, resumption."""
    most = _SPREADS * _spread(cell, variant.precision)
    losses: list[float] = []

    def trained(variant: Variant) -> float:
        losses[:] = _trained(cell, device, variant)
        return _apart(losses, _exact(cell))

    yield _held("training", cell.norm, variant, trained, most)
    # torch's kernels may add up in another order each time; ours and the CPU's never do
    to_the_bit = device.type == "cpu" or variant.convolution is None
    again = 0.0 if to_the_bit else most
    yield _held(
        "NaN", cell.norm, variant, lambda v: _apart(_beside_nan(cell, device, v), _without(losses)), again
    )
    yield _held("resumption", cell.norm, variant, lambda v: _apart(_resumed(cell, device, v), losses), again)


def _held(kind: str, norm: str, variant: Variant, found: Callable[[Variant], float], most: float) -> Check:
    try:
        return Check(kind, norm, variant.precision, variant.name, found(variant), most)
    except Exception as error:  # the next may work, and both are worth knowing
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        return Check(kind, norm, variant.precision, variant.name, math.inf, most, reason)


def _cell(norm: str) -> Spec:
    groups = 8 if norm == "gn" else None
    return Spec(dataset="noise", norm=norm, groups=groups, batch_size=4, epochs=_EPOCHS)


@cache
def _data() -> Dataset:
    """16×16 pixels, for which oneDNN's convolutions are used, and powers of two, as our norms want them;
    eleven steps, of which a GPU replays eight in one graph."""
    return noise(44, 8, DataInfo("noise", 44, 8, 3, 16, 16, ("a", "b", "c"), "0" * 12))


def _begun(
    cell: Spec, device: torch.device, variant: Variant, dtype: torch.dtype = torch.float32
) -> Training:
    return training(cell, _PACK, _data(), device, variant, dtype=dtype)


def _epochs(trained: Training, count: int) -> list[float]:
    """Losses of each epoch, replica by replica."""
    return [metrics.train_loss for _ in range(count) for metrics in trained.run_epoch()]


def _trained(
    cell: Spec, device: torch.device, variant: Variant, dtype: torch.dtype = torch.float32
) -> list[float]:
    return _epochs(_begun(cell, device, variant, dtype), _EPOCHS)


@cache
def _exact(cell: Spec) -> list[float]:
    return _trained(cell, _CPU, Variant("grouped"), torch.float64)


@cache
def _spread(cell: Spec, precision: Precision) -> float:
    """How far rounding moves a loss: the root mean square of the relative differences from float64, over
    epochs and seeds, of a training on the CPU whose products have factors rounded to this precision.

    Other roundings of the same size, another device's, move it as far but elsewhere; so two of them are apart
    by a multiple of it. Never less than float32's own, which every training has.
    """
    emulated = _begun(cell, _CPU, Variant("grouped"))
    emulate(emulated.net, precision)
    moved = [a / b - 1 for a, b in zip(_epochs(emulated, _EPOCHS), _exact(cell), strict=True)]
    return math.sqrt(statistics.fmean(apart * apart for apart in moved))


def _beside_nan(cell: Spec, device: torch.device, variant: Variant) -> list[float]:
    """The losses of the first and the last replica, the middle one of which starts as NaN."""
    pack = _begun(cell, device, variant)
    states: list[dict[str, Any]] = pack.state()
    for tensor in states[1]["weights"].values():
        tensor.fill_(math.nan)
    pack.load_state(states)
    losses = _epochs(pack, _EPOCHS)
    if not all(math.isnan(loss) for loss in losses[1::_PACK]):
        raise ArithmeticError("a replica that is not a number has a loss that is one")
    return _without(losses)


def _without(losses: Sequence[float]) -> list[float]:
    """But for the middle replica."""
    return [loss for number, loss in enumerate(losses) if number % _PACK != 1]


def _resumed(cell: Spec, device: torch.device, variant: Variant) -> list[float]:
    first = _begun(cell, device, variant)
    losses = _epochs(first, 1)
    second = _begun(cell, device, variant)
    second.load_state(first.state())
    return losses + _epochs(second, _EPOCHS - 1)


def _apart(losses: Sequence[float], expected: Sequence[float]) -> float:
    """The largest relative difference of any epoch and replica; NaN where one is."""
    apart = [abs(a - b) / abs(b) for a, b in zip(losses, expected, strict=True)]
    return math.nan if any(map(math.isnan, apart)) else max(apart)
