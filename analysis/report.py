"""The report: one HTML file that answers the study's question and defends the answer.

    python -m analysis.report RESULTS [--out FILE]
    python -m analysis.report A B --out comparison.html

The page is made whole in memory from one reading of the results, so it is never a mixture of two states
of a sweep; who writes it (this command line, or the run itself) writes it by rename, so nobody ever opens
half a page.
"""

import argparse
import posixpath
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from analysis import tables
from analysis.page import account, answers, evidence, hero, markup
from analysis.stats.claims import MARGIN
from analysis.study import read
from model.errors import InputError
from orchestrator.results.files import Files


def build(source: Any, *others: Any, live: bool = False, margin: float = MARGIN) -> str:
    """The report of one sweep, or of several side by side, as HTML.

    `source`, `others`: as `analysis.load` takes them. `live`: the sweep is running, so the page says so and
    loads itself again every half minute. `margin`: points of error within which a line counts as constant.
    Raises InputError.
    """
    study = read([source, *others], margin=margin, live=live)
    drawn = evidence.panel_data(study)
    found = [
        evidence.versus_section(study),
        answers.difference_section(study),
        answers.claim_section(study),
        evidence.cell_section(study),
        evidence.search_section(study),
        evidence.curve_section(study, drawn),
        account.time_section(study),
        account.network_section(study),
        account.trial_section(study),
        account.provenance_section(study),
    ]
    sections = [section for section in found if section is not None]
    now = datetime.now(UTC)
    data = {
        "live": live,
        "generated": now.timestamp(),
        "panels": drawn,
        "figures": {key: figure for s in sections for key, figure in s.figures.items()},
        "seeds": answers.seeds_data(study),
        "trials": account.trial_data(study),
        "tables": {name: tables.FORMATS[name](study.frame, "last") for name in ("csv", "markdown", "latex")},
    }
    return markup.document(
        title=study.title,
        hero=hero.html(study),
        sections=sections,
        data=data,
        status='<span class="live" id="live" role="status">Live</span>' if live else "",
        footer=f"Made by normsweep on {now:%Y-%m-%d %H:%M} UTC. Errors are in percent of images.",
    )


# -- the command line --------------------------------------------------------------------------------


def default_out(results: str) -> tuple[str, str]:
    """(folder, name) of the report: in the sweep's folder, or beside a CSV."""
    url = results.rstrip("/") or "/"
    if url.lower().endswith(".csv"):
        folder, name = posixpath.split(url)
        return folder or ".", f"{name[:-4]}.html"
    return url, "report.html"


def write(folder: str, name: str, html: str) -> None:
    """Write the page whole or not at all. Raises InputError."""
    try:
        Files(folder).write(name, html.encode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        where = posixpath.join(folder, name)
        raise InputError(f"cannot write {where}: {reason}. Choose another with --out.") from None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.report",
        description="Make the report of a sweep, or of several side by side: one file that works offline.",
    )
    parser.add_argument(
        "results", metavar="RESULTS", nargs="+", help="a sweep's folder or URL, or a .csv file"
    )
    parser.add_argument("--out", metavar="FILE", help="default: report.html in the results folder")
    parser.add_argument(
        "--margin",
        type=_margin,
        default=MARGIN,
        metavar="POINTS",
        help=f"points of error within which a norm counts as constant (default: {MARGIN:g})",
    )
    options = parser.parse_args(arguments)
    try:
        folder, name = _target(options.results, options.out)
        write(folder, name, build(*options.results, margin=options.margin))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(posixpath.join(folder, name))
    return 0


def _margin(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of points between 0 and 100")
    return value


def _target(results: Sequence[str], out: str | None) -> tuple[str, str]:
    if out:
        folder, name = posixpath.split(out)
        if not name:
            raise InputError(f"--out {out} is a folder; give the name of a file in it")
        return folder or ("/" if out.startswith("/") else "."), name
    if len(results) > 1:
        raise InputError("several results need --out FILE: the report belongs to none of their folders")
    return default_out(results[0])


if __name__ == "__main__":
    sys.exit(main())
