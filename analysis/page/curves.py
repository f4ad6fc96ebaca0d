"""The section of learning curves."""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.page import html
from analysis.page.html import Section
from analysis.page.panels import PanelData
from analysis.study import Study

#: How a reader may look at errors: where they end up is what a study is about.
SCALES = {"log": "logarithmic", "zero": "from 0", "end": "the last epochs"}


class PanelView(NamedTuple):
    """One panel's curves and what can be chosen of them. `number`: the panel's in the page; `axis`: the label
    of what lines run over; `xs`: its values, large batch sizes first, value -> text; `last`: the one chosen
    at first; `what`: heads the choice of a line; `lines`: value -> text. `positive`: whether no error
    is 0, which a logarithmic axis has no place for."""

    number: int
    heading: str | None
    label: str
    axis: str
    xs: dict[str, str]
    last: str
    what: str
    lines: dict[str, str]
    positive: bool


def section(study: Study, drawn: Sequence[PanelData]) -> Section | None:
    """Learning curves by x and line, batch size and norm; None where no epoch was recorded.

    `drawn`: as from panels.panel_data.
    """
    views = []
    for number, (panel, entry) in enumerate(zip(study.panels, drawn, strict=True)):
        xs = [curve["x"] for curve in entry["curves"]]
        if not xs:
            continue
        lines = dict.fromkeys(t["meta"]["line"] for curve in entry["curves"] for t in curve["data"])
        heading = study.name(panel) if len(study.panels) > 1 else None
        label = f"Training and {panel.judged} error over epochs, as bands over seeds"
        choices = {"": "all", **{line: line for line in lines}}
        what = "Line" if panel.roles.more else "Norm"
        views.append(
            PanelView(
                number,
                heading,
                label,
                panel.x.label,
                {x: x for x in xs},
                xs[-1],
                what,
                choices,
                _positive(entry),
            )
        )
    if not views:
        return None
    return Section(
        "curves",
        "Learning curves",
        "Learning curves",
        html.render("curves", panels=views, scales=SCALES, step=max(sweep.step for sweep in study.sweeps)),
    )


def _positive(entry: PanelData) -> bool:
    return all(y > 0 for curve in entry["curves"] for trace in curve["data"] for y in trace["y"])
