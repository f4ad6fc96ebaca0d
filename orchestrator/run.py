"""`python -m orchestrator.run --grid fig1 …`: the command line, nothing else."""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the imports below last is no traceback

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.command import command, leave, of_output
from model.errors import InputError
from model.queues import CUDA_QUEUES
from orchestrator import arguments as parsers
from orchestrator.cli import called
from orchestrator.display.busy import busy
from orchestrator.display.lists import axes_table, grids_table
from orchestrator.display.output import Output
from orchestrator.display.warned import warnings_in_lines
from orchestrator.results.storage_errors import LostError, StorageError
from orchestrator.results.url import refuse_undecodable

if TYPE_CHECKING:
    from orchestrator.grid.blocks import Grid


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Whatever the user can put right is one line on stderr and exit code 2."""
    typed = sys.argv[1:] if argv is None else argv
    arguments = parsers.run().parse_args(typed)
    os.environ.setdefault(*CUDA_QUEUES)
    console = Output(highlight=False)
    try:
        with warnings_in_lines():
            return _main(arguments, typed, console)
    except KeyboardInterrupt:
        print("Interrupted before anything was trained.", file=sys.stderr)
        return 130
    except LostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except StorageError as error:
        print(f"error: storage failed: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1
    except OSError as error:
        if of_output(error):
            raise
        print(f"error: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1


def _main(arguments: argparse.Namespace, typed: Sequence[str], console: Output) -> int:
    if arguments.list_grids or arguments.list_axes:
        console.print(axes_table() if arguments.list_axes else grids_table())
        return 0
    if arguments.grid is None:
        raise InputError("--grid is missing: name a grid of --list-grids, or a YAML file")
    for argument in typed:  # they are kept in the results
        refuse_undecodable(argument)
    if arguments.dry_run:
        return _dry_run(arguments, console)
    return _train(arguments, f"{called('orchestrator.run')} {shlex.join(typed)}", console)


def _dry_run(arguments: argparse.Namespace, console: Output) -> int:
    with busy(console, "Reading the grid"):  # which also hides how long torch takes to come
        grid = _grid(arguments.grid)
        from orchestrator.driver import show_plan

    show_plan(arguments, grid, console)
    return 0


def _train(arguments: argparse.Namespace, command: str, console: Output) -> int:
    with busy(console, "Reading the grid"):
        grid = _grid(arguments.grid)
        from orchestrator.driver import train
        from orchestrator.execution.signals import Interrupt
        from orchestrator.outcome import Again

    retry = command if arguments.retry_failed else f"{command} --retry-failed"
    interrupt = Interrupt()
    try:
        done = train(arguments, grid, Again(command, retry), console, interrupt)
    except KeyboardInterrupt:
        if interrupt.signal is None:
            raise
        print("Interrupted while it was planned: nothing was begun.", file=sys.stderr)
        return interrupt.exit_code
    if arguments.open and done.report.startswith("/"):
        import webbrowser  # it is slow to load, and seldom asked for

        webbrowser.open(Path(done.report).as_uri())
    return done.code


def _grid(name: str) -> "Grid":
    """By itself, so that a slip in its name or its file is told before torch comes."""
    from orchestrator.grid.parse import find

    return find(os.path.expanduser(name))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    leave(main)
