"""The variants of computing a step, compared: `python -m model.bench --compare`.

Every convolution, and torch.compile, × precision × layout, for each norm, batch size and pack
size, each in alternating blocks with the plain loop of its cell. What matters most comes first, all cells
of one variant before the next, so that a run that ends at its time limit has left out the least; what was
left out is counted, and a variant that fails here is a row that says so. On a GPU packs of one process side
by side come before: what it gains when several cells share it.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch

from model.bench.reference_loop import PlainLoop
from model.bench.throughput import Measurement, measure, plain_loop, steps_for, timed
from model.bench.variants import Case, Missing, training
from model.data.dataset import Dataset
from model.spec import Spec

#: Packs side by side in threads of one process.
SIDE_BY_SIDE = (1, 2, 4)
#: Seconds that must be left before a variant is tried: it is not broken off once begun.
_MARGIN, _COMPILE_MARGIN = 10.0, 90.0


@dataclass(frozen=True)
class SideBySide:
    """`packs` of the same cell and size side by side; images a second of all of them."""

    norm: str
    batch_size: int
    pack: int
    packs: int
    together_images_per_second: float


class Comparison:
    """Measures case by case until all is measured or `seconds` are over; `say` gets a line for each."""

    def __init__(
        self,
        data: Dataset,
        device: torch.device,
        say: Callable[[str], None],
        *,
        block: float,
        blocks: int,
        seconds: float,
    ) -> None:
        self.data, self.device, self._say = data, device, say
        self._block, self._blocks = block, blocks
        self._end, self._longest = time.monotonic() + seconds, 0.0
        self._plain: dict[Spec, PlainLoop] = {}

    def run(self, cases: Iterable[Case]) -> list[Measurement | Missing]:
        self._say("norm  batch  pack  way                       images/s      (range)  plain loop  ratio")
        return [self._case(case) for case in cases]

    def _case(self, case: Case) -> Measurement | Missing:
        margin = _COMPILE_MARGIN if case.variant.compiled else _MARGIN
        begun = time.monotonic()
        if begun + max(margin, self._longest) > self._end:
            return case.missing("not measured: out of time")
        if case.variant.compiled:
            torch._dynamo.reset()  # its memory of earlier networks has a limit
        try:
            row: Measurement | Missing = self._measure(case)
        except Exception as error:  # what this machine cannot compute is a result too
            row = case.missing(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
        tidy(self.device)
        self._longest = max(self._longest, time.monotonic() - begun)
        self._say(line(row))
        return row

    def _measure(self, case: Case) -> Measurement:
        if case.spec not in self._plain:
            self._plain[case.spec] = plain_loop(case.spec, self.data, self.device)
        (row,) = measure(
            case.spec,
            [case.pack],
            self.data,
            self.device,
            block=self._block,
            blocks=self._blocks,
            variant=case.variant,
            plain=self._plain[case.spec],
        )
        return row

    def side_by_side(self, spec: Spec, pack: int) -> list[SideBySide]:
        """Packs of one cell in threads of this process, each with a stream of its own."""
        measured: list[SideBySide] = []
        for packs in SIDE_BY_SIDE:
            if time.monotonic() + _MARGIN > self._end:
                break
            rate = side_by_side(spec, pack, packs, self.data, self.device, self._block, self._blocks)
            measured.append(SideBySide(spec.norm, spec.batch_size, pack, packs, round(rate, 1)))
            gain = rate / measured[0].together_images_per_second
            self._say(
                f"{spec.norm} batch {spec.batch_size} pack {pack}: {packs} side by side {rate:.0f} images/s, "
                f"{gain:.2f} times one"
            )
            tidy(self.device)
        return measured


def side_by_side(
    spec: Spec, pack: int, packs: int, data: Dataset, device: torch.device, block: float, blocks: int
) -> float:
    """Images a second of all packs together, the median of `blocks` blocks."""
    trained = [training(spec, pack, data, device) for _ in range(packs)]
    most = len(data.train_labels) // spec.batch_size
    steps = min(steps_for(one.train_steps, block, most) for one in trained)
    with ThreadPoolExecutor(packs) as pool:

        def run(count: int) -> None:
            list(pool.map(lambda one: one.train_steps(count), trained))

        seconds = statistics.median(timed(run, steps) for _ in range(blocks))
    return steps * spec.batch_size * pack * packs / seconds


def tidy(device: torch.device) -> None:
    """What the last pack held is free before the next is measured."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def line(row: Measurement | Missing) -> str:
    variant = f"{'compiled' if row.compiled else row.convolution} {row.precision} {row.layout}"
    start = f"{row.norm:4}  {row.batch_size:5}  {row.pack:4}  {variant:22}"
    if isinstance(row, Missing):
        return f"{start}  {row.error}"
    spread = f"({row.low:.0f}–{row.high:.0f})"
    return (
        f"{start}  {row.images_per_second:10.0f}  {spread:>11}  "
        f"{row.plain_images_per_second:10.0f}  {row.ratio:5.2f}"
    )


def winners(rows: Iterable[Measurement | Missing]) -> list[str]:
    """A line for each cell, pack and precision: the fastest variant, beside the default one."""
    groups: dict[tuple[str, int, int, str], list[Measurement]] = {}
    missing = 0
    for row in rows:
        if isinstance(row, Missing):
            missing += 1
        else:
            groups.setdefault((row.norm, row.batch_size, row.pack, row.precision), []).append(row)
    lines = [_winner(group) for group in groups.values() if len(group) > 1]
    return [*lines, f"{missing} ways without a measurement"] if missing else lines


def _winner(rows: Sequence[Measurement]) -> str:
    best = max(rows, key=lambda row: row.images_per_second)
    name = f"{'compiled' if best.compiled else best.convolution} {best.layout}"
    gain = best.images_per_second / rows[0].images_per_second
    return (
        f"best of {best.norm} batch {best.batch_size} pack {best.pack} {best.precision}: {name}, "
        f"{gain:.2f} times {rows[0].convolution} {rows[0].layout}"
    )
