"""Figure 1: error over batch size, one line per norm; or over whatever the study varies.

`info` is what the figure shows, as plain data that tests check; `figure` only draws it. Every seed is a
dot and the interval a band, because a line of means alone hides how little five seeds know.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import palette, theme
from analysis.plots.published import Published, others
from analysis.plots.theme import Json
from analysis.plots.x_axis import Places, places_of, rounded
from analysis.stats.axes import BATCH_SIZE, XAxis, at
from analysis.stats.cells import Cell
from analysis.stats.intervals import FEWEST_VALUES, KINDS, PERCENT, SEQUENTIAL_KINDS, interval
from analysis.stats.line import Line
from analysis.stats.panel import Panel
from model.axis import Value

QUANTITIES = ("error", "accuracy")
MEASURE_NAMES = {"last": "last epoch", "median5": "median of the last 5 epochs"}


#: How far the dots of seeds stand beside their mean, in steps, where nothing joins the means.
_BESIDE = 0.05


class Point(NamedTuple):
    """One cell. `mean`, `low`, `high`, `values` in percent; `low` and `high` NaN where n allows none.
    `along`: what goes with line and x, in words. `sequential`: a rule added seeds as results came in."""

    x: Value
    mean: float
    low: float
    high: float
    values: dict[int, float]
    remarks: str
    along: str = ""
    sequential: bool = False


class Fig1Info(NamedTuple):
    panel: Panel
    measure: str
    quantity: str
    kind: str
    lines: dict[Line, list[Point]]
    published: list[Published]


def info(
    panel: Panel, cells: Sequence[Cell], measure: str = "last", quantity: str = "error", kind: str = "t"
) -> Fig1Info:
    """The figure's data from one panel's cells. Cells without a finished trial have no point."""
    lines: dict[Line, list[Point]] = {}
    for cell in cells:
        errors = cell.errors(measure)
        values = {s: 100 - e if quantity == "accuracy" else e for s, e in errors.items()}
        if not values:
            continue
        mean = sum(values.values()) / len(values)
        spread = interval(list(values.values()), kind, sequential=cell.sequential).cut(PERCENT)
        along = ", ".join(map(at, panel.roles.along, cell.along))
        point = Point(cell.x, mean, spread.low, spread.high, values, cell.remarks, along, cell.sequential)
        lines.setdefault(cell.line, []).append(point)
    published = [] if panel.holdout or panel.x != BATCH_SIZE else others(cells)
    return Fig1Info(panel, measure, quantity, kind, lines, published)


def figure(info: Fig1Info, styles: dict[Line, palette.Style] | None = None) -> go.Figure:
    """The plotly figure of `info`; `styles` where a line must look as it does elsewhere."""
    return go.Figure(drawing(info, styles or palette.styles(list(info.lines))))


def drawing(info: Fig1Info, styles: dict[Line, palette.Style]) -> Json:
    """The figure as plain data: the page draws 16 of them, and plotly's own checks would take seconds."""
    places = places_of(info.panel.x, (p.x for points in info.lines.values() for p in points))
    traces = [_published(entry, info) for entry in info.published]
    own = [_own_places(rank, len(info.lines), places) for rank in range(len(info.lines))]
    for rank, (line, points) in enumerate(info.lines.items()):
        aside = theme.aside(rank, len(info.lines), 0.11 if places.axis.numeric else 0.16)
        aside += 0.0 if places.axis.numeric else _BESIDE
        traces += [
            _band(line, points, styles[line], own[rank]),
            _dots(line, points, styles[line], places, aside),
        ]
    for rank, (line, points) in enumerate(info.lines.items()):
        traces.append(_means(line, points, styles[line], own[rank], info.kind))
    title = y_title(info.panel, info.quantity, info.measure)
    layout = theme.layout(xaxis=places.layout(), yaxis={"title": {"text": title}})
    return {"data": traces, "layout": layout}


def _own_places(rank: int, count: int, places: Places) -> Places:
    """Where a line's means stand: at their x, but between texts beside it, for nothing joins them there."""
    if places.axis.numeric:
        return places
    aside = theme.aside(rank, count, 0.16)
    return replace(places, places=tuple(place - aside for place in places.places))


def y_title(panel: Panel, quantity: str, measure: str = "last") -> str:
    """“Test error (%)”; a median over epochs says that it is one."""
    of = "" if measure == "last" else f", {MEASURE_NAMES[measure]}"
    return f"{panel.measured(quantity).capitalize()}{of} (%)"


def _means(line: Line, points: list[Point], style: palette.Style, places: Places, kind: str) -> Json:
    return theme.scatter(
        x=[places[p.x] for p in points],
        y=[p.mean for p in points],
        mode="lines+markers" if places.axis.numeric else "markers",
        name=theme.plain(line.name),
        legendgroup=line.name,
        line={"color": style.colour, "width": 2.5, "dash": style.dash},
        marker={
            "symbol": style.symbol,
            "size": 9,
            "color": style.colour,
            "line": {"color": "#ffffff", "width": 1.5},
        },
        text=[hover(line, p, kind, places.axis) for p in points],
        hovertemplate="%{text}<extra></extra>",
        meta={"role": "mean", "line": line.name, "x": [places.axis.text(p.x) for p in points]},
    )


def hover(line: Line, point: Point, kind: str, axis: XAxis = BATCH_SIZE) -> str:
    """What the pointer reads: the numbers, and what they are."""
    text = f"<b>{theme.plain(line.name)}, {theme.plain(axis.at(point.x))}</b>"
    text += f"<br>{theme.plain(point.along)}" if point.along else ""
    text += f"<br>mean {point.mean:.2f}%"
    if math.isfinite(point.low):
        kinds = SEQUENTIAL_KINDS if point.sequential else KINDS
        text += f"<br>{kinds[kind]}: {point.low:.2f} to {point.high:.2f}"
    few = len(point.values) < FEWEST_VALUES and not math.isfinite(point.low)
    text += f"<br>n = {len(point.values)}" + (" (too few seeds for an interval)" if few else "")
    return text + (f"<br>{theme.plain(point.remarks)}" if point.remarks else "")


def _dots(line: Line, points: list[Point], style: palette.Style, places: Places, aside: float) -> Json:
    """Every seed, `aside` of its x in steps, so that the marker of the mean hides none."""
    triples = [(p.x, seed, value) for p in points for seed, value in p.values.items()]
    return theme.scatter(
        x=[rounded(places.beside(x, aside)) for x, _, _ in triples],
        y=[value for _, _, value in triples],
        customdata=[[seed, theme.plain(places.axis.text(x))] for x, seed, _ in triples],
        mode="markers",
        name=theme.plain(line.name),
        legendgroup=line.name,
        showlegend=False,
        marker={"symbol": "circle", "size": 5, "color": style.tint(0.55)},
        hovertemplate=f"{theme.plain(line.name)}, {theme.plain(places.axis.word)} %{{customdata[1]}}<br>"
        "seed %{customdata[0]}: %{y:.2f}%<extra></extra>",
        meta={"role": "seed", "line": line.name},
    )


def _band(line: Line, points: list[Point], style: palette.Style, places: Places) -> Json:
    """The interval: a band through neighbouring cells that have one, a bar for one that stands alone."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    runs = _runs(points, joined=places.axis.numeric)
    for run in runs:
        along = [places[p.x] for p in run]
        xs += [*along, *reversed(along), along[0], None]
        ys += [p.high for p in run] + [p.low for p in reversed(run)] + [run[0].high, None]
    alone = any(len(run) == 1 for run in runs)
    return theme.scatter(
        x=xs,
        y=ys,
        mode="lines",
        fill="toself",
        fillcolor=style.tint(0.16),
        line={"color": style.tint(0.5), "width": 2 if alone else 0},
        legendgroup=line.name,
        showlegend=False,
        hoverinfo="skip",
        meta={"role": "band", "line": line.name},
    )


def _runs(points: list[Point], *, joined: bool) -> list[list[Point]]:
    """Neighbours that have an interval, where the axis has an order; else each by itself."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if math.isfinite(point.low):
            if not joined:
                runs.append([])
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def precise(info: Fig1Info, anew: Fig1Info, styles: dict[Line, palette.Style]) -> list[Json]:
    """Lines to lay over the drawing of `info`: `anew`, the errors of the same networks by precise
    statistics."""
    places = places_of(info.panel.x, (p.x for points in info.lines.values() for p in points))
    traces = []
    for rank, line in enumerate(info.lines):
        own = _own_places(rank, len(info.lines), places)
        if points := anew.lines.get(line):
            trace = _means(line, points, styles[line], own, info.kind)
            name, style = f"{line.name}, precise statistics", styles[line]
            text = [
                f"{hover(line, p, info.kind, places.axis)}<br>precise statistics, last epoch" for p in points
            ]
            trace |= {
                "name": theme.plain(name),
                "legendgroup": name,
                "line": {"color": style.colour, "width": 1.5, "dash": "dot"},
                "marker": {"symbol": f"{style.symbol}-open", "size": 10, "color": style.colour},
                "text": text,
                "meta": {"role": "precise", "line": line.name},
            }
            traces.append(trace)
    return traces


def _published(entry: Published, info: Fig1Info) -> Json:
    sizes = sorted(entry.errors, reverse=True)
    values = [entry.errors[s] if info.quantity == "error" else 100 - entry.errors[s] for s in sizes]
    own = entry.matches(info.panel.dataset, info.panel.model)
    shown = own and any(p.x in entry.errors for points in info.lines.values() for p in points)
    return theme.scatter(
        x=sizes,
        y=values,
        mode="lines+markers",
        name=entry.name,
        visible=shown,
        line={"color": palette.style(entry.norm).tint(0.45), "width": 1.5, "dash": "dot"},
        marker={"size": 5, "symbol": "circle-open", "color": palette.style(entry.norm).tint(0.6)},
        hovertemplate=f"{entry.source}<br>batch size %{{x}}: %{{y:.2f}}%<extra></extra>",
        meta={"role": "published", "key": entry.key, "group": entry.group},
    )
