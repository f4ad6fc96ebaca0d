"""The command line of the orchestrator's bench."""

import argparse

from orchestrator.cli import Parser, called
from orchestrator.grid.limits import MOST_SEEDS

_MOST_FINISHED = 14 * MOST_SEEDS  # of so many cells is its grid


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("orchestrator.bench"),
        description="What the orchestrator itself costs on this machine.",
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="few trials: shows that it works, not how fast")
    parser.add_argument("--json", action="store_true", help="rows as JSON on standard output")
    parser.add_argument(
        "--nodes", type=_counts, metavar="N", help="instead: how the driver's share grows, on N local nodes"
    )
    parser.add_argument(
        "--trials", type=_counts, metavar="N,N", help="with --nodes: sizes of sweeps (100,1000,3000,10000)"
    )
    parser.add_argument(
        "--finished",
        type=_count,
        metavar="N",
        help="instead: status, a run and the report of a finished sweep of N trials",
    )
    return parser


def _count(text: str) -> int:
    (number, *more) = _counts(text)
    if more or number > _MOST_FINISHED:
        raise argparse.ArgumentTypeError(f"{text!r}; expected one number, at most {_MOST_FINISHED:,}")
    return number


def _counts(text: str) -> list[int]:
    numbers = [int(part) if part.isdecimal() else 0 for part in text.split(",")]
    if min(numbers) < 1 or max(numbers) > 10**6:
        raise argparse.ArgumentTypeError(f"{text!r}; expected whole numbers above zero")
    return numbers
