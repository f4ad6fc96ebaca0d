"""`normsweep axes`: what a grid and --set can vary, as `run --list-axes` prints it."""

import argparse
from collections.abc import Sequence

from orchestrator.cli import Parser


def parser() -> argparse.ArgumentParser:
    return Parser(
        prog="normsweep axes",
        description="Print every axis that a grid and --set can vary: its values, its default, what it is.",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    from orchestrator.display.lists import axes_table
    from orchestrator.display.output import Output

    parser().parse_args(argv)
    Output(highlight=False).print(axes_table())
    return 0
