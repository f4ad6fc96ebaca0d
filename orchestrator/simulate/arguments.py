"""The command line of the scheduler on paper."""

import argparse
import math
from collections.abc import Callable

from orchestrator.cli import Parser, called
from orchestrator.grid.limits import MOST_SEEDS

WORKERS = (1, 4, 16, 64, 256, 1000)
_MOST_WORKERS = 100_000


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("orchestrator.simulate"),
        description="A sweep on 1 to 1,000 workers, on paper: time, and worker-hours lost and idle.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--grid", required=True, metavar="NAME|FILE.yaml")
    add("--seeds", type=_number(1, MOST_SEEDS), metavar="N", help="instead of the grid's own")
    add("--data-dir", metavar="PATH", help="where the images of an imagefolder or npz are; they are counted")
    add("--workers", type=_workers, default=WORKERS, metavar="N,N", help="default: 1,4,16,64,256,1000")
    add("--pack", type=_number(1, MOST_SEEDS), metavar="N", help="seeds trained together (default: chosen)")
    add("--workers-per-node", type=_number(1, 1024), default=4, metavar="N", help="default: 4")
    add(
        "--mtbf-hours",
        type=_hours,
        default=24.0,
        metavar="H",
        help="mean time between failures of a node, 0 for none (24)",
    )
    add("--startup-minutes", type=_hours, default=5.0, metavar="M", help="time for a node to start (5)")
    add("--keep-minutes", type=_hours, default=5.0, metavar="M", help="how long an idle node is kept (5)")
    add("--dispatch-ms", type=_hours, default=60.0, metavar="MS", help="the driver's time per pack (60)")
    add(
        "--repeats",
        type=_number(1, 10_000),
        default=25,
        metavar="N",
        help="repetitions with random losses (25)",
    )
    add(
        "--seed",
        type=_number(0, 2**31),
        default=0,
        metavar="N",
        help="random seed of the first repetition (0)",
    )
    add("--bench", metavar="FILE", help="pack times from python -m model.bench --json")
    add("--results", metavar="URL", help="pack times from a sweep that has run")
    add("--json", action="store_true", help="rows as JSON on standard output")
    add("--figure", metavar="FILE.png", help="draw the figure; needs the extra 'figures'")
    add("--driver", metavar="FILE", help=f"for the figure: {called('orchestrator.bench')} --nodes N --json")
    return parser


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number from {least} to {most}")
        return int(text)

    return parse


def _workers(text: str) -> tuple[int, ...]:
    return tuple(_number(1, _MOST_WORKERS)(part.strip()) for part in text.split(","))


def _hours(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number of 0 or more")
    return value
