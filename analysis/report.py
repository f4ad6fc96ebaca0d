"""The report: one HTML file that answers the study's question and defends the answer.

    python -m analysis.report RESULTS [--out FILE]
    python -m analysis.report A B --out comparison.html
    python -m analysis.report theirs.csv --paired

The page is made whole in memory from one reading of the results, so it is never a mixture of two states
of a sweep; who writes it (this command line, or the run itself) writes it by rename, so nobody ever opens
half a page.
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from analysis import arguments as parsers
from analysis import options, tables
from analysis.page import (
    cells,
    claims,
    curves,
    differences,
    elsewhere,
    equal_budgets,
    evaluations,
    group_rules,
    gsearch,
    html,
    image_by_image,
    methods,
    network,
    planned,
    provenance,
    robustness,
    time,
    trials,
    versus,
)
from analysis.page.html import Section, document
from analysis.page.opening import opening
from analysis.page.panels import PanelData, panel_data
from analysis.plots import palette
from analysis.sources.load import Source
from analysis.stats.choices import DEFAULT, Choices
from analysis.study import Study, read
from analysis.words.methods import Methods
from model.command import command, leave
from model.errors import InputError
from orchestrator.results.files import Files


def build(
    source: Source,
    *others: Source,
    live: bool = False,
    choices: Choices = DEFAULT,
    axes: Sequence[str] = (),
) -> str:
    """The report of one sweep, or of several side by side, as HTML.

    `source`, `others`: as `analysis.load` takes them. `live`: the sweep is running, so the page says so and
    loads itself again every half minute. `choices`: what the reader chose; whether the runs of a CSV are
    pairs is one of them. `axes`: columns of a CSV that are axes and none of ours. Raises InputError."""
    study = read([source, *others], choices, live=live, axes=axes)
    studies = {m: read(study.sweeps, replace(choices, measure=m), live=live) for m in study.measures}
    drawn = panel_data(*studies.values())
    texts = {m: methods.by_sweep(one) for m, one in studies.items()}
    sections = [section for section in _sections(studies, drawn, texts) if section is not None]
    now = datetime.now(UTC)
    data = {
        "live": live,
        "measure": study.measure,
        "dark": palette.twins([style.colour for style in study.styles.values()]),
        "generated": now.timestamp(),
        "panels": drawn,
        "figures": {key: figure for s in sections for key, figure in s.figures.items()},
        "seeds": {k: v for one in studies.values() for k, v in differences.seeds_data(one).items()},
        "trials": trials.trial_data(study),
        "copies": {m: _copies(one, replace(choices, measure=m), texts[m]) for m, one in studies.items()},
    }
    return document(
        title=study.title,
        opening=opening(*studies.values()),
        sections=sections,
        data=data,
        live=live,
        footer=f"Made by normsweep on {now:%Y-%m-%d %H:%M} UTC. Errors are in percent of images.",
    )


def _copies(study: Study, choices: Choices, texts: Mapping[str, Methods]) -> dict[str, str]:
    """What the page's buttons copy, by the name that they give."""
    return {
        **{name: tables.FORMATS[name](study.frame, choices) for name in cells.COPIES},
        **differences.copies(study),
        **methods.copies(texts),
    }


def _sections(
    studies: Mapping[str, Study], drawn: Sequence[PanelData], texts: Mapping[str, Mapping[str, Methods]]
) -> list[Section | None]:
    """The parts of the page in its order; None for a part that these results do not have. What a measure of
    error changes is there once for each of `studies`, the first of which is shown."""
    study = next(iter(studies.values()))
    return [
        *(
            html.by_measure({measure: part.section(one) for measure, one in studies.items()})
            for part in (versus, elsewhere, differences, claims, planned, robustness, cells, equal_budgets)
        ),
        evaluations.section(study),
        image_by_image.section(study),
        group_rules.section(study),
        gsearch.section(study),
        curves.section(study, drawn),
        time.section(study),
        network.section(study),
        trials.section(study),
        html.by_measure({m: methods.section(one, texts[m]) for m, one in studies.items()}),
        provenance.section(study),
    ]


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


@command
def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parsers.report().parse_args(arguments)
    folder, name = _target(chosen.results, chosen.out)
    write(folder, name, build(*chosen.results, choices=options.choices(chosen), axes=chosen.axis))
    print(posixpath.join(folder, name))
    return 0


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
    leave(main)
