"""The table of differences to take along: for a paper, and for a program."""

import csv
import io
import math
from collections.abc import Sequence

from analysis.stats.axes import value_text
from analysis.stats.differences import Difference
from analysis.stats.intervals import CI
from analysis.words.latex import tabular
from analysis.words.numbers import p_value, signed, signed_interval
from analysis.words.verdict import plain_verdict

#: Format -> its name.
FORMATS = {"latex": "LaTeX", "csv": "CSV"}
_COLUMNS = (
    *("line", "base", "n", "n_base", "paired", "measure", "difference", "ci_low", "ci_high"),
    *("simultaneous_low", "simultaneous_high", "p", "p_holm", "p_exact", "p_exact_holm", "hedges_g"),
    *("claimed", "verdict"),
)


def copies(differences: Sequence[Difference], measure: str) -> dict[str, str]:
    """The differences of one panel by format, in points of error."""
    return {"latex": _latex(differences), "csv": _csv(differences, measure)}


def _latex(differences: Sequence[Difference]) -> str:
    x = differences[0].panel.x
    head = ["Lines", x.label, "n", "Difference", CI, "p (Holm)", "Verdict"]
    body = [
        [
            f"{d.line.name} − {d.base.name}",
            value_text(d.x),
            ", ".join(map(str, d.estimate.n)),
            signed(d.estimate.mean, 2) if d.estimate.exists else "–",
            signed_interval(d.estimate.interval, 2),
            p_value(d.p_holm),
            plain_verdict(d),
        ]
        for d in differences
    ]
    return tabular(head, body, [0, int(x.numeric), 1, 1, 1, 1, 0])


def _csv(differences: Sequence[Difference], measure: str) -> str:
    """Numbers in full, empty where n does not allow them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([differences[0].panel.x.name, *_COLUMNS])
    for d in differences:
        e = d.estimate
        numbers = (
            *(e.mean, e.interval.low, e.interval.high, d.simultaneous.low, d.simultaneous.high),
            *(e.p, d.p_holm, d.p_exact, d.p_exact_holm, d.g),
        )
        writer.writerow(
            [
                "" if d.x is None else d.x,
                *(d.line.name, d.base.name, e.n[0], e.n[-1], e.paired, measure),
                *("" if math.isnan(number) else f"{number:.6g}" for number in numbers),
                *(d.claimed, plain_verdict(d)),
            ]
        )
    return out.getvalue()
