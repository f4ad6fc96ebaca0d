"""`python -m model.bench`: images per second of packs on this machine, beside the plain loop.

The face of `throughput` and `roofline`: options, lines for a person, JSON for a machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import torch

from model.bench import layers, roofline
from model.bench.check import Check, checks, table
from model.bench.survey import Survey
from model.bench.throughput import BATCH_SIZES, Measurement, device_name, fig1_seconds, measure
from model.bench.variants import Variant
from model.command import command, leave
from model.data.dataset import Dataset
from model.data.registry import load
from model.errors import InputError
from model.machine import cores
from model.net.convolution import CONVOLUTIONS
from model.norm_table import NORMS
from model.precision import PRECISIONS
from model.queues import CUDA_QUEUES
from model.spec import MODELS, Spec
from model.training.calibrate import noise

GROUPS = 8


def _roofline_lines(
    device: torch.device, data: Dataset, model: str, rows: Sequence[Measurement]
) -> Iterator[str]:
    if device.type == "cuda":
        best = roofline.gpu(device)
        kernel = f"{best.kernel * 1e6:.2f} µs a kernel in a captured chain"
        yield f"limit: memory {best.bandwidth:.0f} GB/s; {kernel}"
        for row in rows:
            step = row.batch_size * row.pack / row.images_per_second
            yield (
                f"  {row.norm} batch {row.batch_size} pack {row.pack}: {step * 1e6:.0f} µs a step, "
                f"the time of {step / best.kernel:.0f} such kernels"
            )
        return
    rates, info = roofline.cpu(size=data.info.height), data.info
    work = roofline.operations(model, info.channels, info.height, info.width, len(info.classes))
    yield (
        f"limit: the fastest kernel {rates.arithmetic:.0f} GFLOP/s, the network's convolutions alone "
        f"{rates.convolution:.0f} GFLOP/s; at {work / 1e6:.0f} MFLOP an image no more than "
        f"{rates.convolution * 1e9 / work:.0f} images/s"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model.bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, …")
    parser.add_argument("--norms", default="bn,gn", help=f"out of {','.join(NORMS)} (default bn,gn)")
    parser.add_argument("--batch-sizes", default=",".join(map(str, BATCH_SIZES)), help="default %(default)s")
    parser.add_argument("--packs", default="1,5", help="replicas trained together (default %(default)s)")
    parser.add_argument("--model", choices=MODELS, default="resnet20", help="default %(default)s")
    parser.add_argument("--dataset", help="digits, cifar10, … (default: random 32×32 colour images)")
    parser.add_argument("--data-dir", help="where the images of --dataset are")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default %(default)s")
    parser.add_argument("--layout", choices=["nhwc", "nchw"], help="of activations (default: by device)")
    parser.add_argument("--conv", choices=CONVOLUTIONS, help="default: as a sweep does")
    parser.add_argument(
        "--check",
        action="store_true",
        help="only check, in every precision, that --device computes correctly",
    )
    parser.add_argument(
        "--layers", action="store_true", help="only show, on a CPU, where a step's time goes and its bounds"
    )
    parser.add_argument(
        "--survey",
        type=float,
        metavar="MINUTES",
        help="measure everything, most important first, within so many minutes",
    )
    parser.add_argument("--out", metavar="FILE.jsonl", help="--survey appends every row to it")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of either loop (default 1)")
    parser.add_argument("--quick", action="store_true", help="short blocks, few of them: a first impression")
    parser.add_argument("--json", action="store_true", help="rows as JSON on standard output")
    return parser


def run(options: argparse.Namespace, say: Callable[[str], None]) -> list[Measurement]:
    """Measure what the options ask for; `say` gets the lines for a person. Raises InputError."""
    device, packs, specs, data = _prepare(options)
    block, blocks = (0.2, 5) if options.quick else (0.5, 15)
    say(_heading(device, block, blocks) + f"; {options.precision}; {options.conv or 'usual'}")
    say("norm  batch  pack  images/s      (range)  plain loop  ratio")
    variant = Variant(options.conv, options.precision, options.layout)
    rows: list[Measurement] = []
    for spec in specs:
        measured = measure(spec, packs, data, device, block=block, blocks=blocks, variant=variant)
        for row in measured:
            say(_line(row))
        rows += measured
    for line in _roofline_lines(device, data, options.model, rows):
        say(line)
    _say_fig1(rows, device, options, say)
    return rows


def run_checks(options: argparse.Namespace, say: Callable[[str], None]) -> list[Check]:
    """Every check of the device, a line as each is known and a table at the end."""
    device = _device(options.device)
    torch.set_num_threads(_numbers("threads", str(options.threads))[0])
    say(f"{device_name(device)}; torch {torch.__version__}")
    found = list(checks(device, say))
    for line in table(found):
        say(line)
    return found


def run_layers(options: argparse.Namespace, say: Callable[[str], None]) -> list[layers.Kind]:
    """Of each norm, batch size and pack. Raises InputError."""
    device, packs, specs, data = _prepare(options)
    if device.type != "cpu":
        raise InputError("--layers times a CPU; on a GPU --survey has the dearest kernels")
    say(f"{device_name(device)}; torch {torch.__version__}; least CPU time of this process")
    rows: list[layers.Kind] = []
    for spec in specs:
        for pack in packs:
            say(f"{spec.norm}, batch size {spec.batch_size}, {pack} replicas")
            rows += layers.kinds(spec, pack, data)
            for line in layers.lines(rows[-layers.COUNT :]):
                say(line)
    return rows


def _prepare(options: argparse.Namespace) -> tuple[torch.device, list[int], list[Spec], Dataset]:
    device = _device(options.device)
    torch.set_num_threads(_numbers("threads", str(options.threads))[0])
    packs, specs = _numbers("packs", options.packs), _specs(options)
    if options.dataset:
        return device, packs, specs, load(options.dataset, options.data_dir)
    if device.type == "cuda":  # what is done once an epoch must not weigh more than in a whole one
        return device, packs, specs, noise(16_384, 2000)
    return device, packs, specs, noise(4096, 1000)


def _heading(device: torch.device, block: float, blocks: int) -> str:
    return f"{device_name(device)}; torch {torch.__version__}; {blocks} × {block:g} s each"


def _specs(options: argparse.Namespace) -> list[Spec]:
    unknown = [norm for norm in options.norms.split(",") if norm not in NORMS]
    if unknown:
        raise InputError(f"--norms: {unknown[0]!r} is none of {', '.join(NORMS)}")
    return [
        Spec(
            dataset=options.dataset or "noise",
            model=options.model,
            shortcut="projection",
            norm=norm,
            groups=GROUPS if norm == "gn" else None,
            batch_size=batch_size,
            recipe="wu2018",
            epochs=1,
            iterations=None,
            holdout=0,
        )
        for norm in options.norms.split(",")
        for batch_size in _numbers("batch-sizes", options.batch_sizes)
    ]


def _line(row: Measurement) -> str:
    spread = f"({row.low:.0f}–{row.high:.0f})"
    return (
        f"{row.norm:4}  {row.batch_size:5}  {row.pack:4}  {row.images_per_second:8.0f}  {spread:>11}  "
        f"{row.plain_images_per_second:10.0f}  {row.ratio:5.2f}"
    )


def _say_fig1(
    rows: list[Measurement], device: torch.device, options: argparse.Namespace, say: Callable[[str], None]
) -> None:
    workers = 1 if device.type == "cuda" else max(1, cores() // options.threads)
    both = fig1_seconds(rows, workers) if not options.dataset else None
    if both:
        where = (
            "one pack at a time"
            if device.type == "cuda"
            else f"{workers} worker{'s' if workers > 1 else ''} at this rate"
        )
        ours, plain = (seconds / 3600 for seconds in both)
        say(f"fig1 (50 trials, 100 epochs): {ours:.1f} h with {where}; by the plain loop {plain:.1f} h")


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"--device {name!r}: expected cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not torch.cuda.is_available()):
        raise InputError(f"--device {name}: there is no such device here; use --device cpu")
    return device


def _numbers(option: str, text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InputError(f"--{option} {text!r}: expected whole numbers above zero, as 1,5")
    return numbers


@command
def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.environ.setdefault(*CUDA_QUEUES)
    out = sys.stderr if options.json else sys.stdout
    say: Callable[[str], None] = lambda line: print(line, file=out, flush=True)  # noqa: E731
    if options.survey is not None:
        device = _device(options.device)
        torch.set_num_threads(_numbers("threads", str(options.threads))[0])
        Survey(device, options.survey, options.out, say).run()
        return 0
    measured: Callable[..., Sequence[Measurement | Check | layers.Kind]]
    measured = run_checks if options.check else run_layers if options.layers else run
    rows = measured(options, say)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    return 1 if any(isinstance(row, Check) and not row.passed for row in rows) else 0


if __name__ == "__main__":
    leave(main)
