"""Images per second of packs beside the plain loop.

A pack's training steps as a sweep runs them are compared with the plain loop (`reference_loop`), data
included: both on the same images, threads and device, in alternating blocks of one run. Images per second
of a pack are those of all its replicas together, as a sweep's wall-clock time depends on them.

Rates are medians over the blocks. The ratio is the median over the rounds of each round's own ratio: a
machine that is shared slows down and recovers over minutes, and a round's blocks are slowed alike.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from model.bench.reference_loop import Images, PlainLoop
from model.bench.variants import DEFAULT, Variant, training
from model.data.dataset import Dataset
from model.spec import Spec
from model.training.training import Training

BATCH_SIZES = (32, 16, 8, 4, 2)
#: What the grid fig1 declares: seeds, epochs, images to train and to evaluate on.
FIG1 = (5, 100, 50_000, 10_000)


@dataclass(frozen=True)
class Measurement:
    """One pack beside the plain loop. Images a second of all replicas; `low` and `high` over the blocks."""

    norm: str
    groups: int | None
    batch_size: int
    pack: int
    images_per_second: float
    low: float
    high: float
    plain_images_per_second: float
    ratio: float
    evaluation_images_per_second: float
    device: str
    precision: str
    layout: str
    convolution: str = "grouped"
    model: str = "resnet20"
    width: int = 1
    pixels: int = 1024


def plain_loop(spec: Spec, data: Dataset, device: torch.device) -> PlainLoop:
    """The plain loop on the same images."""
    pixels = data.train_images.permute(0, 2, 3, 1).contiguous().numpy()
    images = Images(pixels, data.train_labels.tolist(), flip=data.flip)
    return PlainLoop(spec, images, len(data.classes), device)


def measure(
    spec: Spec,
    packs: Sequence[int],
    data: Dataset,
    device: torch.device,
    *,
    block: float,
    blocks: int,
    variant: Variant = DEFAULT,
    plain: PlainLoop | None = None,
) -> list[Measurement]:
    """One per pack size, the plain loop and every pack in turn, `blocks` times about `block` seconds.

    `plain`: a plain loop of this cell to go on with, instead of a new one.
    """
    trainings = [training(spec, pack, data, device, variant) for pack in packs]
    runs: list[Callable[[int], None]] = [(plain or plain_loop(spec, data, device)).train_steps]
    runs += [pack.train_steps for pack in trainings]
    most = len(data.train_labels) // spec.batch_size
    steps = [steps_for(run, block, most) for run in runs]
    rates: list[list[float]] = [[] for _ in runs]
    for _ in range(blocks):
        for run, count, into, replicas in zip(runs, steps, rates, (1, *packs), strict=True):
            into.append(count * spec.batch_size * replicas / timed(run, count))
    beside = statistics.median(rates[0])
    return [
        Measurement(
            norm=spec.norm,
            groups=spec.groups,
            batch_size=spec.batch_size,
            pack=pack,
            images_per_second=round(statistics.median(ours), 1),
            low=round(min(ours), 1),
            high=round(max(ours), 1),
            plain_images_per_second=round(beside, 1),
            ratio=round(
                statistics.median(rate / other for rate, other in zip(ours, rates[0], strict=True)), 2
            ),
            evaluation_images_per_second=round(_evaluation_rate(trained), 1),
            device=device_name(device),
            precision=variant.precision,
            layout=trained.layout,
            convolution=trained.convolution,
            model=spec.model,
            width=spec.width,
            pixels=data.info.height * data.info.width,
        )
        for pack, ours, trained in zip(packs, rates[1:], trainings, strict=True)
    ]


def timed(run: Callable[[int], None], steps: int) -> float:
    begun = time.perf_counter()
    run(steps)
    return time.perf_counter() - begun


def steps_for(run: Callable[[int], None], seconds: float, most: int) -> int:
    """Steps that take about `seconds`, at most `most`; the trial runs are the warm-up."""
    steps = min(4, most)
    run(steps)  # cold: kernels are chosen, a graph is captured
    while (spent := timed(run, steps)) < seconds / 2 and steps < most:
        steps = min(most, max(steps + 1, int(steps * min(4.0, seconds / spent))))
    return steps


def _evaluation_rate(trained: Training) -> float:
    trained.evaluate()
    begun = time.perf_counter()
    trained.evaluate()
    return len(trained.data.eval_labels) * len(trained.seeds) / (time.perf_counter() - begun)


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{_cpu_model()}, {threads} thread{'s' if threads > 1 else ''}"


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else "CPU"


def fig1_seconds(rows: Sequence[Measurement], workers: int) -> tuple[float, float] | None:
    """Seconds for the grid fig1 with each cell's best pack, and with the plain loop; both on `workers`.

    None where `rows` do not hold all of its cells. Evaluation is counted in both at our rate.
    """
    seeds, epochs, train, test = FIG1
    ours = plain = 0.0
    for norm in ("bn", "gn"):
        for batch_size in BATCH_SIZES:
            cell = [row for row in rows if (row.norm, row.batch_size) == (norm, batch_size)]
            if not cell:
                return None
            best = max(cell, key=lambda row: row.images_per_second)
            used = train // batch_size * batch_size
            evaluation = test / best.evaluation_images_per_second
            ours += seeds * epochs * (used / best.images_per_second + evaluation)
            plain += seeds * epochs * (used / best.plain_images_per_second + evaluation)
    return ours / workers, plain / workers
