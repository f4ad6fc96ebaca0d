"""The methods section of a sweep, as text: what its files say of how it was made and analysed.

python -m analysis.methods RESULTS
python -m analysis.methods RESULTS --bibtex > references.bib
"""

import sys
from collections.abc import Sequence

from analysis import arguments as parsers
from analysis import options
from analysis.page.methods import by_sweep
from analysis.study import read
from model.command import command, leave


@command
def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parsers.methods().parse_args(arguments)
    study = read([chosen.results], options.choices(chosen), axes=chosen.axis)
    for warning in study.sweeps[0].warnings:
        print(f"warning: {warning}", file=sys.stderr)
    (own,) = by_sweep(study).values()
    sys.stdout.write(own.bibtex if chosen.bibtex else own.text)
    return 0


if __name__ == "__main__":
    leave(main)
