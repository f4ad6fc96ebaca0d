"""Whether a device trains as the CPU does, in every variant of a step: `python -m model.bench --check`.

For a machine that is lent for half an hour and has no test runner: two epochs of a small cell in
float64, where devices differ by rounding alone, beside the same cell out of grouped convolutions on the
CPU. The epochs are long enough that on a GPU most steps are replays of the captured one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import torch

from model.bench.variants import COMPUTATIONS, Variant, training
from model.data.dataset import DataInfo, Dataset
from model.spec import Spec
from model.training.calibrate import noise
from model.training.layout import Layout
from model.training.training import Training

_PACK = 3
_EPOCHS = 2
_CPU = torch.device("cpu")
#: Largest relative difference of a loss that is still rounding: two epochs of float64.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Check:
    """`difference`: the largest relative one between the losses of device and CPU, of any epoch and seed."""

    norm: str
    convolution: str
    layout: str
    difference: float
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and self.difference <= TOLERANCE


def checks(device: torch.device, say: Callable[[str], None]) -> list[Check]:
    """Both norms, every convolution, both layouts."""
    info = DataInfo("noise", 68, 8, 3, 8, 8, ("a", "b", "c"), "0" * 12)
    data = noise(68, 8, info)
    results: list[Check] = []
    for norm, groups in (("bn", None), ("gn", 8)):
        spec = Spec(dataset="noise", norm=norm, groups=groups, batch_size=8, epochs=_EPOCHS)
        expected = _losses(training(spec, _PACK, data, _CPU, dtype=torch.float64))
        for check in _one_norm(spec, data, device, expected):
            verdict = "ok" if check.passed else f"WRONG {check.error or ''}"
            variant = f"{check.convolution} {check.layout}"
            say(f"check {norm} {variant:14}  {check.difference:.1e} apart from the CPU, float64: {verdict}")
            results.append(check)
    return results


def _one_norm(spec: Spec, data: Dataset, device: torch.device, expected: Sequence[float]) -> Iterator[Check]:
    for convolution in COMPUTATIONS:
        if convolution == "triton":  # float32 alone, which the survey compares
            continue
        for layout in get_args(Layout):
            try:
                variant = Variant(convolution, layout=layout)
                trained = training(spec, _PACK, data, device, variant, dtype=torch.float64)
                difference = _difference(_losses(trained), expected)
            except Exception as error:  # the next may work, and both are worth knowing
                reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
                yield Check(spec.norm, convolution, layout, float("inf"), reason)
            else:
                yield Check(spec.norm, convolution, layout, difference)


def one_norm(spec: Spec, data: Dataset, device: torch.device, dtype: torch.dtype) -> Check:
    """The variant that a sweep takes for this norm, in this dtype."""
    expected = _losses(training(spec, _PACK, data, _CPU, dtype=dtype))
    trained = training(spec, _PACK, data, device, dtype=dtype)
    difference = _difference(_losses(trained), expected)
    return Check(spec.norm, trained.convolution, trained.layout, difference)


def _losses(trained: Training) -> list[float]:
    """Every epoch's, replica by replica."""
    return [metrics.train_loss for _ in range(_EPOCHS) for metrics in trained.run_epoch()]


def _difference(losses: Sequence[float], expected: Sequence[float]) -> float:
    return max(abs(a - b) / abs(b) for a, b in zip(losses, expected, strict=True))
