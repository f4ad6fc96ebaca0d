"""`python -m orchestrator.evaluate RESULTS`: what stored networks answer, without training them again.

Each network is first held against its own result. What is there already is not computed again, so that an
interrupted evaluation is the same command once more. It evaluates finished trials and takes no lock: a sweep
may run in the folder meanwhile. In this process and without Ray, whose workers here are given packs to train;
evaluating a sweep takes about as long as an epoch of it or two.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from rich.console import Console

from model.command import command, leave
from model.data.dataset import DataInfo
from model.data.selection import Selection
from model.errors import InputError
from model.norm_table import STATISTICS, Statistics, statistics_of
from orchestrator.cli import Parser
from orchestrator.display.evaluated import show
from orchestrator.display.output import Output
from orchestrator.display.warned import warnings_in_lines
from orchestrator.execution.stored import load_network
from orchestrator.grid.trial import Trial
from orchestrator.results import evaluations
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store

if TYPE_CHECKING:  # imported where they are needed: --help must not wait for torch
    from model.data.another import OtherImages
    from model.data.dataset import Dataset
    from orchestrator.execution.evaluation import Report, Task
    from orchestrator.planning.evaluation import Chosen

__all__ = ["load_network", "main"]

_EXAMPLES = """\
examples:
  python -m orchestrator.evaluate results/fig1 --statistics population,batch,precise
  python -m orchestrator.evaluate results/fig1 --on train
  python -m orchestrator.evaluate results/fig1 --images ~/cifar10c/fog.npz

exit codes: 0 all that are finished are evaluated; 1 some could not be, or storage failed; 2 bad input;
  130 interrupted"""


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Whatever the user can put right is one line on stderr and exit code 2."""
    arguments = _parser().parse_args(argv)
    try:
        with warnings_in_lines():
            return _evaluate(arguments, Output(highlight=False))
    except KeyboardInterrupt:
        print("Interrupted; what was evaluated is kept. Run the same command to go on.", file=sys.stderr)
        return 130
    except StorageError as error:
        print(f"error: storage failed: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m orchestrator.evaluate",
        description="Evaluate the stored networks of a sweep's finished trials. What they answer goes to\n"
        "evaluations/ in its folder, a file each.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("results", metavar="RESULTS", help="folder or URL of a sweep")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--on",
        choices=("test", "train"),
        default="test",
        help="test: the images that the sweep judges on, its hold-out where it has one (default); "
        "train: the training images, in evaluation and without augmentation",
    )
    what.add_argument(
        "--images",
        metavar="PATH",
        help="another test set of the same classes: a folder with a folder of images for each class, or an "
        ".npz of test_images and test_labels",
    )
    parser.add_argument(
        "--statistics",
        metavar="LIST",
        type=_statistics,
        default=("population",),
        help="of norms with running statistics, by which they normalise: population, the running ones "
        "(default); batch, of each batch of the training's size; precise, measured anew over the training "
        "images. Networks with another norm have population alone",
    )
    parser.add_argument(
        "--data-dir", metavar="PATH", help="where the sweep's own data lie, as for orchestrator.run"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where there is a GPU")
    return parser


def _statistics(text: str) -> tuple[Statistics, ...]:
    chosen = tuple(one for one in STATISTICS if one in text.split(","))
    if unknown := [word for word in text.split(",") if word not in STATISTICS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}; expected some of {','.join(STATISTICS)}")
    return chosen


def _evaluate(arguments: argparse.Namespace, console: Console) -> int:
    from orchestrator.planning.evaluation import choose

    store = Store(arguments.results.rstrip("/") or "/")
    store.files.readable()
    chosen = choose(store, arguments.data_dir)
    _refuse_nothing(store, chosen, arguments.statistics)
    whole, damaged = evaluations.whole_ones(store.files)
    for name in damaged:
        console.print(f"{name} is damaged and is computed again", style="yellow", markup=False)
    task = partial(_task, arguments, store, frozenset(whole))
    report = _all(chosen, task, console)
    show(report, chosen, [*report.written, *(whole[name] for name in report.there)], console)
    return 1 if report.problems else 0


def _refuse_nothing(store: Store, chosen: "Chosen", statistics: Sequence[Statistics]) -> None:
    """Raises InputError where there is no network to evaluate, or none in the way that is asked for."""
    trials = [trial for group in chosen.groups for trial in group]
    weights = store.files.sizes("trials", "weights.pt")
    if not any(trial.trial_id in weights for trial in trials):
        raise InputError(
            f"{store.url}: none of the {len(trials)} finished trials has its weights (weights.pt), so there "
            "are no networks to evaluate. Train them again into another --results."
        )
    if not any({*statistics} & {*statistics_of(trial.norm)} for trial in trials):
        raise InputError(
            f"--statistics {','.join(statistics)}: no network here has a norm with running statistics; "
            "they are evaluated with --statistics population."
        )


def _all(chosen: "Chosen", task: "Callable[[Trial], Task]", console: Console) -> "Report":
    from orchestrator.execution.evaluation import Report, evaluate_pack, keep_labels

    total, kept = Report(), set()
    for group in chosen.groups:
        first = next(iter(group))
        asked = task(first)
        report = evaluate_pack(asked, group)
        if (report.written or report.there) and asked.asked not in kept:
            keep_labels(asked)
            kept.add(asked.asked)
        total.written += report.written
        total.there += report.there
        total.problems |= report.problems
        if report.written:
            networks = len({record["trial_id"] for record in report.written})
            console.print(f"{first.spec.name}: {networks} network{'s' if networks > 1 else ''}", markup=False)
    return total


def _task(arguments: argparse.Namespace, store: Store, have: frozenset[str], trial: Trial) -> "Task":
    from orchestrator.execution.evaluation import Task

    data = _data(trial.dataset, arguments.data_dir, Selection.of(trial))
    other = _other(arguments.images, data.info) if arguments.images else None
    return Task(
        store,
        data,
        "other" if other else "train" if arguments.on == "train" else "own",
        arguments.statistics,
        arguments.device or _device(),
        have,
        other,
    )


@lru_cache(maxsize=1)  # cells of one data set follow each other, and one at a time fills the memory
def _data(name: str, data_dir: str | None, selection: Selection) -> "Dataset":
    from model.data.registry import load

    return load(name, data_dir, selection)


@lru_cache(maxsize=1)
def _other(path: str, info: DataInfo) -> "OtherImages":
    from model.data.another import other_images

    return other_images(path, info)


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    leave(main)
