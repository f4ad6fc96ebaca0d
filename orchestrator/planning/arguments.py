"""The options of a command line that say how a sweep is run; nothing in here changes what a trial is, though
a rule that adds seeds changes how many there are."""

import argparse
import math
import os

from model.errors import InputError
from orchestrator.cli import positive
from orchestrator.grid.limits import MOST_PACKS, MOST_SEEDS
from orchestrator.planning.options import Options
from orchestrator.results.url import place_of, results_root


def add_run_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--results",
        metavar="URL",
        help="folder or fsspec URL of the results (default: $NORMSWEEP_RESULTS/<grid>, or results/<grid>)",
    )
    group.add_argument(
        "--data-dir",
        metavar="PATH",
        help="imagefolder: the folder of train/ and test/; npz: the file; others: where the data are, or "
        "are put",
    )
    group.add_argument(
        "--executor",
        choices=("ray", "inline"),
        default="ray",
        help="ray: on this machine's cores and GPUs or a cluster (default); inline: in this process, no Ray",
    )
    group.add_argument(
        "--pack", type=_pack, metavar="N|auto", help="seeds of a cell trained together (default: auto)"
    )
    group.add_argument("--cpus-per-pack", type=_cpus, default=1.0, metavar="N", help="default: 1")
    group.add_argument(
        "--gpus-per-pack",
        type=_share,
        metavar="N",
        help="may be a fraction (default: 1 if there is a GPU, or less with --packs-per-gpu)",
    )
    group.add_argument(
        "--packs-per-gpu",
        type=_packs,
        metavar="N|auto",
        help="packs that train side by side on each GPU (default: auto, as many as a short timing finds "
        "worthwhile)",
    )
    group.add_argument(
        "--kernels",
        choices=("auto", "ours", "torch"),
        default="auto",
        help="on a GPU: whose kernels compute a step. ours: this package's, by Triton, where they can be "
        "used; torch: cuDNN's; auto: of each cell the faster ones, by a short timing (default)",
    )
    group.add_argument(
        "--address", metavar="HOST:PORT", help="a running Ray cluster (default: start one here)"
    )
    group.add_argument("--gpu-type", metavar="NAME", help="on a cluster: only GPUs of this type, like A10G")
    group.add_argument("--use-head", action="store_true", help="on a cluster: train on its head too")
    group.add_argument(
        "--price-per-gpu-hour",
        type=_price,
        metavar="X",
        help="to estimate what the plan would cost, in your currency",
    )
    group.add_argument(
        "--stop-after",
        type=_above_zero,
        metavar="HOURS",
        help="stop cleanly after this long, with everything saved; run again to resume",
    )
    group.add_argument(
        "--max-cost",
        type=_above_zero,
        metavar="X",
        help="stop likewise once this run's GPUs have cost this much at --price-per-gpu-hour; earlier runs "
        "of the folder do not count",
    )
    group.add_argument(
        "--pace-from",
        metavar="FILE.json|RESULTS",
        help="base the estimate on model.bench's --json output or another sweep instead of timing a few "
        "steps",
    )
    group.add_argument(
        "--tracker",
        dest="trackers",
        type=_names,
        action="extend",
        default=[],
        metavar="LIST",
        help="log each trial as a run in tensorboard, wandb, trackio or mlflow, or in a tracker of your own "
        "by import path (mylab.trackers:Mine)",
    )
    group.add_argument(
        "--max-failures",
        type=positive,
        default=3,
        metavar="N",
        help="attempts at each trial (default: 3)",
    )
    group.add_argument(
        "--retry-failed", action="store_true", help="give failed trials a fresh set of attempts"
    )
    group.add_argument(
        "--accept-code",
        action="store_true",
        help="add to results that were trained by different code, and mark both",
    )


def add_rule_options(group: argparse._ArgumentGroup) -> None:
    """By which rule seeds are added as results come in."""
    group.add_argument(
        "--until-ci",
        type=_above_zero,
        metavar="POINTS",
        help="add seeds until the interval of every comparison is ± this many points of error or narrower",
    )
    group.add_argument(
        "--until-decided",
        action="store_true",
        help="add seeds until every comparison is decided: there is a difference, or it is within --margin",
    )
    group.add_argument(
        "--max-seeds",
        type=_count,
        metavar="N",
        help="the most seeds for a cell; needs --until-ci or --until-decided",
    )
    group.add_argument(
        "--max-hours",
        type=_above_zero,
        metavar="X",
        help="the most training time over all packs; also needs one of these two",
    )


def options_of(arguments: argparse.Namespace, grid: str) -> Options:
    """What the parsed `arguments` ask for, for the grid of that name. Raises InputError."""
    if None not in (arguments.packs_per_gpu, arguments.gpus_per_pack):
        raise InputError(
            "--packs-per-gpu and --gpus-per-pack say one thing in two ways: give one of them (4 packs on a "
            "GPU have 0.25 of it each)"
        )
    return Options(
        results=place_of(arguments.results or f"{results_root()}/{grid}"),
        data_dir=place_of(arguments.data_dir) if arguments.data_dir else None,
        executor=arguments.executor,
        pack=arguments.pack,
        cpus_per_pack=arguments.cpus_per_pack,
        gpus_per_pack=arguments.gpus_per_pack,
        packs_per_gpu=arguments.packs_per_gpu,
        kernels=None if arguments.kernels == "auto" else arguments.kernels,
        gpu_type=arguments.gpu_type,
        use_head=arguments.use_head,
        throughput_from=arguments.pace_from and place_of(arguments.pace_from),
        address=arguments.address or os.environ.get("RAY_ADDRESS"),
        max_failures=arguments.max_failures,
        retry_failed=arguments.retry_failed,
        accept_code=arguments.accept_code,
        trackers=tuple(dict.fromkeys(arguments.trackers)),
    )


def _pack(text: str) -> int | None:
    return None if text == "auto" else positive(text)


def _packs(text: str) -> int | None:
    count = _pack(text)
    if count is not None and count > MOST_PACKS:
        raise argparse.ArgumentTypeError(
            f"{text!r}; expected auto, or a number of packs from 1 to {MOST_PACKS}"
        )
    return count


def _names(text: str) -> list[str]:
    if not all(names := [name.strip() for name in text.split(",")]):
        raise argparse.ArgumentTypeError(f"{text!r}; expected names between commas")
    return names


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (value == 0 or 0.001 <= value < 1e6):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number of 0 or more")
    return value


def _price(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}; expected an amount of money, like 1.20")
    return value


def _cpus(text: str) -> float:
    if (value := _share(text)) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number above zero")
    return value


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number above zero")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number of seeds, from 1 to {MOST_SEEDS:,}")
    return int(text)
