"""The command lines of the analysis. Apart from what they run, as --help must not wait for pandas."""

import argparse

from analysis import options
from orchestrator.cli import Parser, called

TABLE_FORMATS = ("terminal", "csv", "markdown", "latex")
FIGURE_FORMATS = ("svg", "png", "pdf")
#: Pixels of a figure.
WIDTH = 640


def report() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("analysis.report"),
        description="Make the report of a sweep, or of several side by side: one file that works offline.",
    )
    options.add_results(parser, several=True)
    parser.add_argument("--out", metavar="FILE", help="default: report.html in the results folder")
    options.add_measure(parser)
    options.add_margin(parser)
    _add_reading(parser)
    return parser


def tables() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("analysis.tables"), description="Print the cells of a sweep: errors in percent."
    )
    options.add_results(parser)
    parser.add_argument("--format", choices=TABLE_FORMATS, default="terminal")
    options.add_measure(parser)
    _add_reading(parser)
    return parser


def figures() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("analysis.figures"), description="Write a sweep's figures for a paper, one file each."
    )
    options.add_results(parser)
    parser.add_argument("--format", choices=FIGURE_FORMATS, default="svg")
    parser.add_argument("--out", metavar="FOLDER", default="figures", help="default: figures")
    parser.add_argument(
        "--only", metavar="NAME", help="one of them: fig1, differences, gsearch, curves-b2, …"
    )
    parser.add_argument("--width", type=int, default=WIDTH, help=f"pixels (default: {WIDTH})")
    options.add_measure(parser)
    _add_reading(parser)
    return parser


def methods() -> argparse.ArgumentParser:
    parser = Parser(
        prog=called("analysis.methods"),
        description="Print a methods section of what a sweep's files say, with its citations.",
    )
    options.add_results(parser)
    parser.add_argument("--bibtex", action="store_true", help="the citations alone, as BibTeX")
    options.add_measure(parser)
    options.add_margin(parser)
    _add_reading(parser)
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    options.add_paired(parser)
    options.add_axes(parser)
    options.add_base(parser)
