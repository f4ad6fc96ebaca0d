"""The section of learning curves."""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.page import html
from analysis.page.html import Section
from analysis.page.panels import PanelData
from analysis.study import Study


class PanelView(NamedTuple):
    """One panel's curves and what can be chosen of them. `number`: the panel's in the page; `sizes`: batch
    sizes, large first, value -> text; `smallest`: the one chosen at first; `lines`: value -> text.
    """

    number: int
    heading: str | None
    label: str
    sizes: dict[str, str]
    smallest: str
    lines: dict[str, str]


def section(study: Study, drawn: Sequence[PanelData]) -> Section | None:
    """Learning curves by batch size and norm; None where no epoch was recorded.

    `drawn`: as from panels.panel_data.
    """
    views = []
    for number, (panel, entry) in enumerate(zip(study.panels, drawn, strict=True)):
        sizes = [str(curve["batch_size"]) for curve in entry["curves"]]
        if not sizes:
            continue
        lines = dict.fromkeys(t["meta"]["line"] for curve in entry["curves"] for t in curve["data"])
        heading = study.name(panel) if len(study.panels) > 1 else None
        label = f"Training and {panel.judged} error over epochs, as bands over seeds"
        choices = {"": "all", **{line: line for line in lines}}
        views.append(PanelView(number, heading, label, {b: b for b in sizes}, sizes[-1], choices))
    if not views:
        return None
    return Section("curves", "Learning curves", "Learning curves", html.render("curves", panels=views))
