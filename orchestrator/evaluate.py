"""`python -m orchestrator.evaluate RESULTS`: what stored networks answer, without training them again.

Each network is first held against its own result. What is there already is not computed again, so that an
interrupted evaluation is the same command once more. It evaluates finished trials and takes no lock: a sweep
may run in the folder meanwhile. In this process unless a cluster is named: evaluating a sweep takes about as
long as an epoch of it or two, of which Ray's start is a part.
"""

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from model.command import command, leave
from model.errors import InputError
from model.norm_table import Statistics, statistics_of
from orchestrator import arguments as parsers
from orchestrator.display.evaluated import show
from orchestrator.display.output import Output
from orchestrator.display.warned import warnings_in_lines
from orchestrator.execution.stored import load_network
from orchestrator.planning.options import Options
from orchestrator.results import evaluations
from orchestrator.results.storage_errors import StorageError
from orchestrator.results.store import Store
from orchestrator.results.url import place_of

if TYPE_CHECKING:  # imported where they are needed: --help must not wait for torch
    from orchestrator.execution.asked import Asked
    from orchestrator.execution.evaluation import Report
    from orchestrator.planning.evaluation import Chosen, Group

__all__ = ["load_network", "main"]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Whatever the user can put right is one line on stderr and exit code 2."""
    arguments = parsers.evaluate().parse_args(argv)
    try:
        with warnings_in_lines():
            return _evaluate(arguments, Output(highlight=False))
    except KeyboardInterrupt:
        print("Interrupted; what was evaluated is kept. Run the same command to go on.", file=sys.stderr)
        return 130
    except StorageError as error:
        print(f"error: storage failed: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1


def _evaluate(arguments: argparse.Namespace, console: Console) -> int:
    from orchestrator.planning.evaluation import choose

    store = Store(arguments.results.rstrip("/") or "/")
    store.files.readable()
    options = _options(arguments, store)
    chosen = choose(store, arguments.data_dir)
    _refuse_nothing(store, chosen, arguments.statistics)
    whole, damaged = evaluations.whole_ones(store.files)
    for name in damaged:
        console.print(f"{name} is damaged and is computed again", style="yellow", markup=False)
    report = _all(_asked(arguments, options, whole, chosen), chosen, options, console)
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


def _all(asked: "Asked", chosen: "Chosen", options: Options, console: Console) -> "Report":
    from orchestrator.execution.asked import evaluate_group
    from orchestrator.execution.evaluation import Report

    total = Report()

    def told(group: "Group", report: "Report") -> None:
        total.written += report.written
        total.there += report.there
        total.problems |= report.problems
        if report.written:
            networks = len({record["trial_id"] for record in report.written})
            name = next(iter(group)).spec.name
            console.print(f"{name}: {networks} network{'s' if networks > 1 else ''}", markup=False)

    if options.executor == "ray":
        from orchestrator.execution.evaluation_on_ray import evaluate_on_ray

        evaluate_on_ray(chosen.groups, asked, chosen.infos, options, told)
        return total
    for group in chosen.groups:
        told(group, evaluate_group(asked, group))
    return total


def _asked(
    arguments: argparse.Namespace, options: Options, have: Collection[str], chosen: "Chosen"
) -> "Asked":
    """Raises InputError where other images cannot be read or do not fit."""
    from orchestrator.execution.asked import Asked

    images = {}
    if arguments.images:
        from model.data.another import other_images

        images = {name: other_images(arguments.images, info) for name, info in chosen.infos.items()}
    return Asked(
        options.results,
        options.data_dir,
        {name: info.fingerprint for name, info in chosen.infos.items()},
        arguments.on,
        arguments.statistics,
        arguments.device or _device(),
        frozenset(have),
        images,
    )


def _options(arguments: argparse.Namespace, store: Store) -> Options:
    """Where it runs. Raises InputError."""
    address = arguments.address or os.environ.get("RAY_ADDRESS")
    executor: Literal["ray", "inline"] = arguments.executor or ("ray" if address else "inline")
    if executor == "ray" and store.url.startswith("memory:"):
        raise InputError("memory:// is one process's own and Ray's workers are others: --executor inline")
    gpus = {"cpu": 0.0, "cuda": 1.0, None: None}[arguments.device]
    data_dir = place_of(arguments.data_dir) if arguments.data_dir else None
    return Options(place_of(store.url), data_dir, executor, gpus_per_pack=gpus, address=address)


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    leave(main)
