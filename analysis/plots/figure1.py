"""Figure 1: error over batch size, one line per norm; or over whatever the study varies.

`info` is what the figure shows, as plain data that tests check; `figure` only draws it. Every seed is a
dot and the interval a bar, because a line of means alone hides how little five seeds know; no band, because
nothing was measured between two batch sizes.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import plotly.graph_objects as go

from analysis.plots import beside, crossing, labels, palette, theme
from analysis.plots.crossing import Crossing
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


def figure(
    info: Fig1Info, styles: dict[Line, palette.Style] | None = None, crossings: Sequence[Crossing] = ()
) -> go.Figure:
    """The plotly figure of `info`; `styles` where a line must look as it does elsewhere."""
    return go.Figure(whole(drawing(info, styles or palette.styles(list(info.lines)), crossings)))


def drawing(info: Fig1Info, styles: dict[Line, palette.Style], crossings: Sequence[Crossing] = ()) -> Json:
    """The figure as plain data, without what comes and goes with published lines: the page draws 16 of them,
    and plotly's own checks would take seconds."""
    places = places_of(info.panel.x, (p.x for points in info.lines.values() for p in points))
    drawn, notes = crossing.drawn(crossings if places.axis == BATCH_SIZE else ())
    low, high = _range(info, above=crossing.STRIP if drawn else 0.0)
    sizes = {int(p.x or 0) for points in info.lines.values() for p in points} if info.published else set()
    traces = [
        beside.published(entry, info.quantity, (low, high), sizes, shown=_shown(entry, info))
        for entry in info.published
    ]
    means, dots = [], []
    for rank, (line, points) in enumerate(info.lines.items()):
        own = asides(rank, len(info.lines), numeric=places.axis.numeric)
        means.append(_means(line, points, styles[line], _moved(places, own.mean), info.kind))
        dots.append(_dots(line, points, styles[line], places, own.dots))
    layout = theme.layout(
        xaxis=places.layout(),
        yaxis={"range": [low, high], "title": {"text": _titled(info, low)}},
        annotations=[],
    )
    _name_lines(layout, means, info, places, styles)
    layout["shapes"] = drawn
    layout["annotations"] += notes
    return {"data": [*traces, *means, *dots], "layout": layout}


def whole(drawn: Json) -> Json:
    """A drawing with room for the published lines that are shown, and what is told of those that lie off it;
    the page's script does the same as they come and go."""
    shown = [t for t in drawn["data"] if t["meta"]["role"] == "published" and t["visible"]]
    layout = drawn["layout"]
    near = [t for t in shown if t["meta"]["near"]]
    low, high = layout["yaxis"]["range"]
    values = [y for t in near for y in t["y"]]
    layout["yaxis"]["range"] = [min([low, *values]), max([high, *values])]
    layout["showlegend"] |= bool(near)
    for trace in shown:
        trace["visible"] = trace["meta"]["near"]
    notes = [t["meta"]["note"] for t in shown if t["meta"]["note"]]
    return {"data": drawn["data"], "layout": labels.above(notes, layout)}


def _range(info: Fig1Info, above: float) -> tuple[float, float]:
    """Of the vertical axis: all that the study measured, and zero where that is near. `above`: the share of
    the figure's height that stays empty at its top."""
    known = [v for points in info.lines.values() for p in points for v in (*p.values.values(), p.low, p.high)]
    known = [value for value in known if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    bottom, top = 0.0 if low < 0.35 * span else low - 0.06 * span, high + 0.06 * span
    return bottom, bottom + (top - bottom) / (1 - above)


def _titled(info: Fig1Info, low: float) -> str:
    return f"{y_title(info.panel, info.quantity, info.measure)}{', axis cut' if low > 0 else ''}"


class Asides(NamedTuple):
    """How far the mean and the dots of a line stand to the left of their x, in steps."""

    mean: float
    dots: float


def asides(rank: int, count: int, *, numeric: bool) -> Asides:
    """So that a mean hides neither its seeds nor another line's bar; all within a third of a step."""
    if count == 1:
        return Asides(0.0, 0.12)
    if count == 2 and numeric:
        mean = theme.aside(rank, 2, 0.1)
        return Asides(mean, 3.4 * mean)
    middle = theme.aside(rank, count, 0.12 if numeric else 0.24)
    return Asides(middle - 0.035, middle + 0.035)


def _moved(places: Places, aside: float) -> Places:
    return replace(places, places=tuple(rounded(places.beside(value, aside)) for value in places.values))


def _shown(entry: Published, info: Fig1Info) -> bool:
    """Whether a published line is on from the start."""
    own = entry.matches(info.panel.dataset, info.panel.model)
    return own and any(p.x in entry.errors for points in info.lines.values() for p in points)


def _name_lines(
    layout: Json, means: Sequence[Json], info: Fig1Info, places: Places, styles: dict[Line, palette.Style]
) -> None:
    """Names at the ends of lines; a legend where they do not fit there, or where a line ends early."""
    names = [line.name for line in info.lines]
    early = any(places.values[-1] not in {p.x for p in points} for points in info.lines.values())
    if early or not info.panel.x.numeric or not labels.fit(names):
        return
    ends = [
        labels.End(line.name, trace["y"][-1], styles[line].colour)
        for line, trace in zip(info.lines, means, strict=True)
    ]
    layout["annotations"], layout["margin"]["r"] = labels.at_the_lines(ends, *layout["yaxis"]["range"])
    layout["showlegend"] = False
    for trace in means:
        trace["showlegend"] = False


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
        line={"color": style.tint(0.75), "width": 1.5, "dash": style.dash},
        marker={"symbol": style.symbol, "size": 8, "color": style.colour},
        error_y=_bars(points, style.colour),
        text=[hover(line, p, kind, places.axis) for p in points],
        hovertemplate="%{text}<extra></extra>",
        meta={"role": "mean", "line": line.name, "x": [places.axis.text(p.x) for p in points]},
    )


def _bars(points: Sequence[Point], colour: str) -> Json:
    """The intervals; none where there are too few seeds for one."""
    ends = [(p.low, p.mean, p.high) for p in points]
    bars = theme.error_bars(ends, colour, thickness=2, width=4)
    return bars | {
        side: [None if math.isnan(end) else end for end in bars[side]] for side in ("array", "arrayminus")
    }


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
    """Every seed, `aside` of its x in steps."""
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


def precise(info: Fig1Info, anew: Fig1Info, styles: dict[Line, palette.Style]) -> list[Json]:
    """Lines to lay over the drawing of `info`: `anew`, the errors of the same networks by precise
    statistics."""
    places = places_of(info.panel.x, (p.x for points in info.lines.values() for p in points))
    traces = []
    for rank, line in enumerate(info.lines):
        aside = asides(rank, len(info.lines), numeric=places.axis.numeric)
        own = _moved(places, aside.mean)
        if points := anew.lines.get(line):
            trace = _means(line, points, styles[line], own, info.kind)
            trace.pop("error_y")
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
