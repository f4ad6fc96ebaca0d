"""The section with the methods, ready to paste into a paper."""

from collections.abc import Mapping
from typing import NamedTuple

from analysis.page import html
from analysis.page.html import Section
from analysis.sources.digest import results_digest
from analysis.sources.load import Sweep
from analysis.sources.setup import setup
from analysis.stats.searched import searched_cells
from analysis.study import Study
from analysis.words.design import design
from analysis.words.inference import inference
from analysis.words.methods import Methods, methods


class SweepView(NamedTuple):
    """One sweep's. `key`: of its copies in the page's data."""

    heading: str | None
    key: str
    methods: Methods


def section(study: Study, texts: Mapping[str, Methods]) -> Section:
    """Methods and BibTeX, sweep by sweep: `texts`, as of `by_sweep`."""
    views = [
        SweepView(sweep.name if study.several else None, key, own)
        for (key, own), sweep in zip(texts.items(), study.sweeps, strict=True)
    ]
    return Section("methods", "Methods", "Methods, ready to paste", html.render("methods", sweeps=views))


def by_sweep(study: Study) -> dict[str, Methods]:
    """The methods of each sweep, under the key of its copies."""
    return {f"methods-{number}": _of(sweep, study) for number, sweep in enumerate(study.sweeps)}


def copies(texts: Mapping[str, Methods]) -> dict[str, str]:
    """What the section's buttons copy."""
    copied: dict[str, str] = {}
    for key, own in texts.items():
        copied |= {key: own.text, f"{key}-bibtex": own.bibtex}
    return copied


def _of(sweep: Sweep, study: Study) -> Methods:
    own = [panel for panel in study.compared if study.sweep_of[panel] is sweep]
    said = [inference(study.compared[panel], study.differences[panel], study.choices[panel]) for panel in own]
    facts = setup(sweep)
    how = design(facts, searched_cells(sweep.frame, sweep.facts), sweep.plans)
    return methods(facts, how, " ".join(dict.fromkeys(said)), results_digest(sweep.frame))
