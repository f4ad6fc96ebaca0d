"""The methods section of a sweep, as text: what its files say of how it was made and analysed.

python -m analysis.methods RESULTS
python -m analysis.methods RESULTS --bibtex > references.bib
"""

import argparse
import sys
from collections.abc import Sequence

from analysis import options
from analysis.page.methods import by_sweep
from analysis.study import read
from model.command import command, leave


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.methods",
        description="Print a methods section of what a sweep's files say, with its citations.",
    )
    options.add_results(parser)
    parser.add_argument("--bibtex", action="store_true", help="the citations alone, as BibTeX")
    options.add_measure(parser)
    options.add_margin(parser)
    options.add_paired(parser)
    options.add_axes(parser)
    options.add_base(parser)
    chosen = parser.parse_args(arguments)
    study = read([chosen.results], options.choices(chosen), axes=chosen.axis)
    for warning in study.sweeps[0].warnings:
        print(f"warning: {warning}", file=sys.stderr)
    (own,) = by_sweep(study).values()
    sys.stdout.write(own.bibtex if chosen.bibtex else own.text)
    return 0


if __name__ == "__main__":
    leave(main)
