"""One or several sweeps, read once and cut into what the page shows.

A panel is drawn alone even where two sweeps hold the same one: sweeps are set side by side and never
pooled, since two commits or two machines are not one experiment until somebody has looked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from analysis.plots import palette
from analysis.plots.crossing import Crossing
from analysis.plots.gsearch import GSearchInfo, infos
from analysis.sources.frame import compared
from analysis.sources.load import Source, Sweep, load_sweep
from analysis.sources.periods import periods
from analysis.sources.predictions import Judgements, judgements
from analysis.stats import bases
from analysis.stats.bounds import bounded_panels
from analysis.stats.cells import Cell, panels
from analysis.stats.choices import DEFAULT, MEASURES, Choices, as_planned
from analysis.stats.crossover import crossover_of
from analysis.stats.decomposition import Answers, answers
from analysis.stats.differences import Difference, by_pair, differences
from analysis.stats.equal_budgets import EqualBudgets, equal_budgets
from analysis.stats.group_rules import Comparison, compare
from analysis.stats.group_surface import Surface, surfaces
from analysis.stats.line import Line, norm_lines
from analysis.stats.outcomes import Claim, Outcome, outcomes
from analysis.stats.panel import Panel, varied_axes
from analysis.stats.roles import Roles, roles_of
from analysis.words.names import sentence_case
from model.errors import InputError


@dataclass(frozen=True)
class Study:
    """What every section reads. `panels` in the page's order; `sweep_of`: what each came from; `styles`: how
    each line looks everywhere; `choices`: of each panel, its pairing as its runs were made; `surfaces`: the
    searches for G over widths; `budgets`: the cells that had a search of their own; `live`: the sweep is
    running. `evaluations`: a row for each answer of a stored network."""

    sweeps: tuple[Sweep, ...]
    frame: pd.DataFrame
    history: pd.DataFrame
    periods: pd.DataFrame | None
    evaluations: pd.DataFrame
    roles: Roles
    panels: dict[Panel, list[Cell]]
    sweep_of: dict[Panel, Sweep]
    searches: list[GSearchInfo]
    surfaces: list[Surface]
    differences: dict[Panel, list[Difference]]
    styles: dict[Line, palette.Style]
    choices: dict[Panel, Choices]
    budgets: list[EqualBudgets]
    live: bool

    @property
    def title(self) -> str:
        return " and ".join(sweep.name for sweep in self.sweeps)

    @property
    def measure(self) -> str:
        """How errors are read off the epochs, everywhere but where both measures are named."""
        return next((choices.measure for choices in self.choices.values()), DEFAULT.measure)

    @property
    def measures(self) -> list[str]:
        """The measures that these results have, this study's own first."""
        cells = [cell for own in self.panels.values() for cell in own]
        others = [m for m in MEASURES if m != self.measure and any(cell.errors(m) for cell in cells)]
        return [self.measure, *others]

    @property
    def several(self) -> bool:
        return len(self.sweeps) > 1

    @property
    def compared(self) -> dict[Panel, list[Cell]]:
        """The panels with a Figure 1: all but those that are nothing but a G search."""
        kept = {p: cells for p, cells in self.panels.items() if not is_search(cells)}
        return kept or ({} if self.searches else self.panels)

    def sequential(self, panel: Panel) -> bool:
        """Whether a rule added seeds to the panel's sweep as results came in."""
        return any(cell.sequential for cell in self.panels[panel])

    def index(self, panel: Panel) -> int:
        return list(self.panels).index(panel)

    @cached_property
    def outcomes(self) -> dict[Panel, dict[Claim, Outcome]]:
        """What every claim of each compared panel comes to."""
        return {
            panel: outcomes(cells, self.choices[panel], self.differences[panel])
            for panel, cells in self.compared.items()
        }

    @cached_property
    def answers(self) -> Answers:
        """What stored networks were asked, and the errors that came of it."""
        return answers(compared(self.frame), self.evaluations, self.roles)

    @cached_property
    def judgements(self) -> dict[Panel, Judgements]:
        """What networks answer image by image, of the compared panels of which it and what is right was
        kept."""
        found = {}
        for panel, cells in self.compared.items():
            trials = {trial for cell in cells for trial in cell.ids.values()}
            rows = self.evaluations[self.evaluations["trial_id"].isin(trials)]
            if (own := judgements(self.sweep_of[panel], rows)) is not None:
                found[panel] = own
        return found

    @cached_property
    def crossings(self) -> dict[Panel, list[Crossing]]:
        """Where the lines of each panel cross, by the study's measure."""
        return {
            panel: [
                Crossing(line, base, found)
                for (line, base), own in by_pair(compared).items()
                if (found := crossover_of(own))
            ]
            for panel, compared in self.differences.items()
        }

    @cached_property
    def rules(self) -> list[Comparison | None]:
        """For each of `surfaces`, which rule for G is better."""
        return [compare(surface) for surface in self.surfaces]

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The axes that the study varies on purpose and that no figure shows: panels differ in them."""
        return varied_axes(self.panels)

    @cached_property
    def shared_title(self) -> str:
        """What all compared panels share, where they differ in `varied` alone; empty where they do not."""
        titles = {(panel.source, panel.title_without(self.varied)) for panel in self.compared}
        return next(iter(titles))[1] if self.varied and len(titles) == 1 else ""

    def name(self, panel: Panel) -> str:
        """The panel's title, behind its sweep's name where there are several, and behind what it has of the
        axes that panels differ in; these alone where that is all."""
        own = sentence_case(panel.named(self.varied))
        if self.shared_title and panel in self.compared:
            return own
        source = panel.source if self.several else ""
        return " · ".join(part for part in (source, own, panel.title_without(self.varied)) if part)


def read(
    sources: Sequence[Source],
    choices: Choices = DEFAULT,
    *,
    live: bool = False,
    axes: Sequence[str] = (),
) -> Study:
    """The study of these sources, each as `analysis.load` takes it. `choices.paired` speaks of tables alone:
    a sweep's own runs are pairs; what the choices leave open is as the plan of the only sweep has it. `axes`:
    columns of a CSV that are axes and none of ours. Raises InputError."""
    if not sources:
        raise InputError("no results given; expected a sweep's folder or a .csv file")
    sweeps = tuple(load_sweep(source, thin=True, paired=choices.paired, axes=axes) for source in sources)
    if len(sweeps) == 1:
        choices = as_planned(choices, sweeps[0].plans)
    labels = _labels(sweeps) if len(sweeps) > 1 else [sweep.source for sweep in sweeps]
    frames, histories, evaluations, times = [], [], [], []
    budgets: list[EqualBudgets] = []
    for number, (sweep, label) in enumerate(zip(sweeps, labels, strict=True)):
        # two sweeps may hold the same trial; in here each has its own
        prefix = f"{number}/" if len(sweeps) > 1 else ""
        frames.append(sweep.frame.assign(source=label, trial_id=prefix + sweep.frame["trial_id"]))
        budgets += equal_budgets(frames[-1], sweep.facts, replace(choices, paired=sweep.paired), prefix)
        histories.append(sweep.history.assign(trial_id=prefix + sweep.history["trial_id"]))
        if any(one.periods is not None for one in sweeps):
            spent = periods(sweep.history) if sweep.periods is None else sweep.periods
            times.append(spent.assign(trial_id=prefix + spent["trial_id"]))
        evaluations.append(sweep.evaluations.assign(trial_id=prefix + sweep.evaluations["trial_id"]))
    frame = pd.concat(frames, ignore_index=True)
    frame["source"] = frame["source"].astype("string")
    main = compared(frame)
    roles = roles_of(main, choices.x)
    grouped, left_out = bounded_panels(panels(main, roles))
    bases.check(([cell.line for cell in cells] for cells in grouped.values()), choices.base)
    sweeps = tuple(replace(sweep, warnings=(*sweep.warnings, *left_out)) for sweep in sweeps)
    by_label = dict(zip(labels, sweeps, strict=True))
    sweep_of = {panel: by_label[panel.source or ""] for panel in grouped}
    chosen = {panel: replace(choices, paired=sweep.paired) for panel, sweep in sweep_of.items()}
    searches = [
        search
        for panel, cells in grouped.items()
        for search in infos(panel, cells, paired=chosen[panel].paired)
    ]
    return Study(
        sweeps=sweeps,
        frame=frame,
        history=pd.concat(histories, ignore_index=True),
        periods=pd.concat(times, ignore_index=True) if times else None,
        evaluations=pd.concat(evaluations, ignore_index=True),
        roles=roles,
        panels=grouped,
        sweep_of=sweep_of,
        searches=[search for search in searches if len(search.points) > 1],
        surfaces=surfaces(
            (cell for cells in grouped.values() for cell in cells),
            {panel: own.paired for panel, own in chosen.items()},
        ),
        differences={panel: differences(cells, chosen[panel]) for panel, cells in grouped.items()},
        styles=_styles(grouped, frame),
        choices=chosen,
        budgets=budgets,
        live=live,
    )


def _styles(grouped: dict[Panel, list[Cell]], frame: pd.DataFrame) -> dict[Line, palette.Style]:
    """A style for every line, and for every norm with its G; ranks are of one source, so that its only G
    looks like the norm itself."""
    by_line: dict[Line, palette.Style] = {}
    for source in dict.fromkeys(panel.source for panel in grouped):
        lines = [cell.line for panel, cells in grouped.items() if panel.source == source for cell in cells]
        for line, style in palette.styles(lines).items():
            by_line.setdefault(line, style)
    for line, style in palette.styles(norm_lines(frame)).items():
        by_line.setdefault(line, style)
    return by_line


def _labels(sweeps: Sequence[Sweep]) -> list[str]:
    """Names where they differ, else where the results lie."""
    names = [sweep.name for sweep in sweeps]
    if len(set(names)) == len(names):
        return names
    places = [sweep.source or sweep.name for sweep in sweeps]
    return places if len(set(places)) == len(places) else [f"{i}: {p}" for i, p in enumerate(places, start=1)]


def is_search(cells: Sequence[Cell]) -> bool:
    """A G search has a figure of its own: one norm in groups, judged on held-out images, at one batch size or
    over widths."""
    return (
        cells[0].panel.holdout > 0
        and (len({cell.x for cell in cells}) == 1 or _over_widths(cells))
        and not cells[0].line.more
        and len({cell.line.norm for cell in cells}) == 1
        and all(cell.line.groups is not None for cell in cells)
    )


def _over_widths(cells: Sequence[Cell]) -> bool:
    """Whether every x is a width at which several G were tried."""
    tried = Counter(cell.x for cell in cells)
    return cells[0].panel.x.name == "width" and min(tried.values()) > 1
