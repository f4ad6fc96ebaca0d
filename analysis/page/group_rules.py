"""The section on a rule for G over widths."""

from typing import NamedTuple

from markupsafe import Markup

from analysis.page import html
from analysis.page.html import Column, Place, Section, Shown
from analysis.plots import group_surface
from analysis.plots.theme import Json
from analysis.stats.group_rules import Comparison, Transfer
from analysis.stats.group_surface import Surface
from analysis.stats.intervals import CI
from analysis.study import Study
from analysis.words.group_rules import rule_name, rules_headline
from analysis.words.headline import Headline
from analysis.words.numbers import signed

_DROPPED = ("width",)


class SurfaceView(NamedTuple):
    """One surface. `map`: None where it stands on the first screen, or C is not known."""

    name: str
    facts: list[str]
    map: Place | None
    lines: list[Place]
    rules: Markup
    transfers: Markup


def section(study: Study) -> Section | None:
    """Each search over widths: the two parametrisations compared; None where there is none."""
    if not study.surfaces:
        return None
    views: list[SurfaceView] = []
    drawn: dict[str, Json] = {}
    for index, said in enumerate(answers(study)):
        surface, found = study.surfaces[index], study.rules[index]
        drawn |= figures(study, index)
        shown = map_place(study, index) if study.compared else None
        views.append(
            SurfaceView(
                surface_name(study, surface) if len(study.surfaces) > 1 else "",
                [said.as_sentence, *said.facts],
                shown,
                line_places(study, index),
                _rules(surface, found) if found else Markup(),
                _transfers(found) if found else Markup(),
            )
        )
    body = html.render("group_rules", surfaces=views)
    return Section("choosing-g", "Choosing G", "Choosing G", body, figures=drawn)


def answers(study: Study) -> list[Headline]:
    """What there is to say of each surface."""
    return [rules_headline(*pair) for pair in zip(study.surfaces, study.rules, strict=True)]


def surface_name(study: Study, surface: Surface) -> str:
    """What its trials share."""
    source = surface.panel.source if study.several else ""
    parts = (source, surface.line.short, surface.panel.title_without(_DROPPED), surface.where)
    return " · ".join(part for part in parts if part)


def figures(study: Study, index: int) -> dict[str, Json]:
    """The figures of the study's surface number `index`, by their keys."""
    info = group_surface.info(study.surfaces[index])
    drawn = {f"choosing-{kind}-{index}": group_surface.lines(info, kind) for kind in info.kinds}
    if info.channels:
        drawn[f"choosing-map-{index}"] = group_surface.heat_map(info)
    return {key: figure.to_plotly_json() for key, figure in drawn.items()}


def map_place(study: Study, index: int) -> Place | None:
    """The place of the map; None where the channels are not known."""
    surface = study.surfaces[index]
    if not surface.channels:
        return None
    starred = any(cell.counts.get("diverged") for own in surface.cells.values() for cell in own.values())
    full = group_surface.full_colour(group_surface.info(surface))
    note = (
        f"{surface_name(study, surface)}. Mean validation error in percent of {surface.panel.holdout:,} "
        "images held out of the training set, at the last epoch; the colour is what it has above the lowest "
        f"of its width, full at {full:.1f} points. Each width is a diagonal, a constant G a column, a "
        "constant number of channels per group a row."
    )
    more = " A star marks a G of which trials diverged: they are not in its mean." if starred else ""
    return Place(f"choosing-map-{index}", "Validation error over G and channels per group", note + more)


def line_places(study: Study, index: int) -> list[Place]:
    """The places of the lines, over G and over channels per group."""
    labels = {"groups": "G", "channels": "channels per group"}
    info = group_surface.info(study.surfaces[index])
    return [
        Place(f"choosing-{kind}-{index}", f"Validation error over {labels[kind]}, one line per width")
        for kind in info.kinds
    ]


def _rules(surface: Surface, found: Comparison) -> Markup:
    widths = [Column(f"width-{w}", f"G at width {w}", True) for w in surface.widths]
    columns = (
        Column("rule", "Constant"),
        *widths,
        Column("mean", "Mean validation error %", True, 2),
        Column("cost", "Lost beside a search at every width", True),
        Column("chance", "Chance of being best", True),
    )
    rows = [
        [
            rule_name(rule),
            *rule.groups.values(),
            rule.mean,
            None if rule.cost is None else Shown(rule.cost, signed(rule.cost, 2)),
            None if rule.chance is None else Shown(rule.chance, f"{rule.chance:.0%}"),
        ]
        for rule in found.rules.values()
    ]
    caption = (
        "The best constant of either kind. What it loses, in points, is judged seed by seed: each by the "
        "constant and "
        "by the G of each width that the other seeds choose, so that no choice flatters itself; it has no "
        "interval"
    )
    return html.table(columns, rows, caption)


def _transfers(found: Comparison) -> Markup:
    columns = (
        Column("source", "Searched at width", True),
        Column("best", "Best G", True),
        Column("target", "Used at width", True),
        Column("kept", "Same G", True),
        Column("scaled", "G at the same C/G", True),
        Column("difference", "Same G minus same C/G", True),
        Column("low", f"{CI} from", True, 2),
        Column("high", "to", True, 2),
    )
    caption = (
        "The best G of one width used at another: as it is, or with the same number of channels per "
        "group, either the "
        "nearest that was tried there. The runs of the other width judge, in points of error; each "
        "interval by itself"
    )
    return html.table(columns, [_transfer_row(transfer) for transfer in found.transfers], caption)


def _transfer_row(transfer: Transfer) -> list[object]:
    kept = [transfer.source, transfer.best, transfer.target, transfer.kept, transfer.scaled]
    if (difference := transfer.difference) is None:
        return [*kept, None, None, None]
    interval = difference.interval
    return [*kept, Shown(difference.mean, signed(difference.mean, 2)), interval.low, interval.high]
