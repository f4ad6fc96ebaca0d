"""Options that several commands share: what a reader may choose."""

import argparse

from analysis.stats.choices import MARGIN, MEASURES, Choices, Margin

#: A parser, or a group of its options.
Parser = argparse._ActionsContainer


def add_results(parser: Parser, *, several: bool = False) -> None:
    """`several`: one or more of them."""
    parser.add_argument(
        "results",
        metavar="RESULTS",
        nargs="+" if several else None,
        help="a sweep's folder or URL, or a .csv file",
    )


def add_paired(parser: Parser) -> None:
    parser.add_argument(
        "--paired",
        action="store_true",
        help="in a CSV, runs with the same seed are pairs, started alike for both norms; without this they "
        "count as independent. In a sweep’s folder they always are pairs",
    )


def add_margin(parser: Parser) -> None:
    parser.add_argument(
        "--margin",
        type=margin,
        default=Margin(),
        metavar="POINTS|PERCENT%",
        help="how far a norm’s error may move and still count as constant: points of error, or 5%% for a "
        f"share of its error at the largest batch size (default: {MARGIN:g} point)",
    )


def add_measure(parser: Parser) -> None:
    parser.add_argument(
        "--measure",
        choices=MEASURES,
        default=MEASURES[0],
        help="the last epoch, or the median of the last five",
    )


def add_x(parser: Parser) -> None:
    parser.add_argument(
        "--x",
        default="",
        metavar="AXIS",
        help="the x axis of the figures: any axis, such as lr (default: the batch size if it varies, "
        "else the axis with the most values)",
    )


def add_axes(parser: Parser) -> None:
    """What the figures show of the axes, and what a CSV means by its columns."""
    add_x(parser)
    parser.add_argument(
        "--axis",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column of a CSV that distinguishes trials and is not one of our axes; may be repeated",
    )


def add_base(parser: Parser) -> None:
    parser.add_argument(
        "--base",
        default="",
        metavar="LINE",
        help="what the other lines are compared with: bn, or norm=gn,groups=8, or all for every pair "
        "(default: batch norm, or the first line if there is none)",
    )


def choices(options: argparse.Namespace) -> Choices:
    """What `options`, of a parser with some of the above, say."""
    known = {
        name: getattr(options, name)
        for name in ("measure", "margin", "paired", "x", "base")
        if hasattr(options, name)
    }
    return Choices(**known)


def margin(text: str) -> Margin:
    """“0.5” points or “5%” of the error at the largest batch size. Raises argparse.ArgumentTypeError."""
    try:
        return Margin.of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no margin; expected points of error between 0 and 100, as 0.5, or percent of the "
            "error, as 5%"
        ) from None
