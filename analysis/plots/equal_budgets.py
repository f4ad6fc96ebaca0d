"""The search of each cell as small multiples: error on the hold-out over the searched value; and what tuning
does to the lines.

The intervals of a search are of few seeds and can be wider than the figure: it is cut where its dots end, so
that the shape of each curve can be seen.
"""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.plots import palette, theme
from analysis.plots.theme import Json
from analysis.stats.axes import axis_named, value_text
from analysis.stats.cells import Cell
from analysis.stats.equal_budgets import EqualBudgets
from analysis.stats.intervals import CI, PERCENT, interval
from analysis.stats.line import Line
from analysis.stats.searched import Searched
from analysis.stats.tuning import Tried
from model.axis import Value

_COLUMNS = 3
_GAP = 0.07


class Point(NamedTuple):
    """A value of the first searched axis, with the best of the other axes beside it. Errors in percent."""

    value: Value
    mean: float
    low: float
    high: float
    n: int
    others: str
    chosen: bool


def points(cell: Searched) -> list[Point]:
    """One for each value of the first axis that has a result, ascending. Diverged trials are in none."""
    by_value: dict[Value, list[tuple[float, int, Tried]]] = {}
    for place, one in enumerate(cell.candidates):
        if one.errors:
            mean = sum(one.errors.values()) / len(one.errors)
            by_value.setdefault(one.values[0][1], []).append((mean, place, one))
    return [_point(cell, value, by_value[value]) for value in sorted(by_value, key=_rank)]


def _point(cell: Searched, value: Value, found: Sequence[tuple[float, int, Tried]]) -> Point:
    chosen = next((entry for entry in found if entry[1] == cell.place), None)
    mean, _, one = chosen or min(found, key=lambda entry: entry[:2])
    spread = interval(list(one.errors.values())).cut(PERCENT)
    others = ", ".join(f"{axis_named(name).label.lower()} {value_text(v)}" for name, v in one.values[1:])
    return Point(value, mean, spread.low, spread.high, len(one.errors), others, chosen is not None)


def _rank(value: Value) -> tuple[bool, float, str]:
    text = isinstance(value, str)
    return text, 0.0 if text or value is None else float(value), str(value)


def search_figure(found: EqualBudgets, styles: dict[Line, palette.Style]) -> tuple[Json, int]:
    """A small figure for each x, a line for each norm; and its height in pixels."""
    xs = found.panel.x.ordered(cell.x for cell in found.cells)
    rows = -(-len(xs) // _COLUMNS)
    columns = min(len(xs), _COLUMNS)
    drawn = {id(cell): points(cell) for cell in found.cells}
    top = max((p.mean for own in drawn.values() for p in own), default=1.0) * 1.25 or 1.0
    axis = axis_named(found.cells[0].axes[0])
    traces: list[Json] = []
    layout = theme.layout(annotations=[])
    layout.pop("xaxis"), layout.pop("yaxis")
    for number, x in enumerate(xs):
        row, column = divmod(number, columns)
        suffix = "" if number == 0 else str(number + 1)
        frame = theme.layout(
            xaxis={"type": "category", "title": {"text": theme.plain(axis.label)}},
            yaxis={"range": [0, top], "title": {"text": "Hold-out error (%)" if column == 0 else ""}},
        )
        left, bottom = column / columns, 1 - (row + 1) / rows
        across = [left + (_GAP if column else 0), left + 1 / columns]
        upwards = [bottom + (_GAP * 2 if row < rows - 1 else 0), bottom + 1 / rows - 0.06]
        own = [cell for cell in found.cells if cell.x == x]
        values = sorted({p.value for cell in own for p in drawn[id(cell)]}, key=_rank)
        frame["xaxis"] |= {"domain": across, "anchor": f"y{suffix}", "categoryorder": "array"}
        frame["xaxis"]["categoryarray"] = [value_text(value) for value in values]
        frame["yaxis"] |= {"domain": upwards, "anchor": f"x{suffix}"}
        layout[f"xaxis{suffix}"], layout[f"yaxis{suffix}"] = frame["xaxis"], frame["yaxis"]
        layout["annotations"].append(_heading(found.panel.x.at(x), sum(across) / 2, upwards[1]))
        traces += [
            trace
            for cell in own
            for trace in _search_traces(cell, drawn[id(cell)], styles[cell.line], suffix)
        ]
    return {"data": traces, "layout": layout}, 300 * rows + 60


def _heading(text: str, x: float, y: float) -> Json:
    return {
        "text": theme.plain(text),
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "center",
        "yanchor": "bottom",
        "showarrow": False,
    }


def _search_traces(cell: Searched, own: Sequence[Point], style: palette.Style, suffix: str) -> list[Json]:
    where: Json = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "legendgroup": cell.line.name}
    name = theme.plain(cell.line.name)
    line = theme.scatter(
        x=[value_text(p.value) for p in own],
        y=[p.mean for p in own],
        error_y=theme.error_bars(((p.low, p.mean, p.high) for p in own), style.tint(0.55)),
        customdata=[[p.others, p.n] for p in own],
        mode="lines+markers",
        name=name,
        showlegend=suffix == "",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"size": 7, "symbol": style.symbol, "color": style.colour},
        hovertemplate=f"{name}, %{{x}} %{{customdata[0]}}: mean %{{y:.2f}}%, "
        "n = %{customdata[1]}<extra></extra>",
        **where,
    )
    chosen = [p for p in own if p.chosen]
    ring = theme.scatter(
        x=[value_text(p.value) for p in chosen],
        y=[p.mean for p in chosen],
        mode="markers",
        name="chosen",
        showlegend=False,
        marker={"size": 16, "symbol": "circle-open", "color": style.colour, "line": {"width": 2.5}},
        hovertemplate=f"{name}: chosen<extra></extra>",
        **where,
    )
    return [line, ring]


def lines_figure(found: EqualBudgets, styles: dict[Line, palette.Style]) -> Json:
    """The mean error of each line over x, tuned and at the common recipe."""
    x = found.panel.x
    order = x.ordered(cell.x for cell in found.cells)
    traces = []
    for line in found.lines:
        own = [cell for cell in found.cells if cell.line == line]
        for tuned in (True, False):
            kept = [cell.tuned if tuned else cell.common for cell in own]
            drawn = [cell for cell in kept if cell is not None and cell.errors()]
            if drawn:
                traces.append(_line_trace(drawn, styles[line], tuned=tuned))
    layout = theme.layout(
        xaxis={
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [x.text(value) for value in order],
            "title": {"text": theme.plain(x.title)},
        },
        yaxis={"title": {"text": "Test error (%)"}, "rangemode": "tozero"},
    )
    return {"data": traces, "layout": layout}


def _line_trace(own: Sequence[Cell], style: palette.Style, *, tuned: bool) -> Json:
    summaries = [cell.summary() for cell in own]
    name = theme.plain(f"{own[0].line.name}, {'tuned' if tuned else 'common recipe'}")
    return theme.scatter(
        x=[cell.panel.x.text(cell.x) for cell in own],
        y=[s.mean for s in summaries],
        error_y=theme.error_bars(
            ((s.interval.low, s.mean, s.interval.high) for s in summaries), style.colour
        ),
        mode="lines+markers",
        name=name,
        line={"color": style.colour, "dash": "solid" if tuned else "dot", "width": 2},
        marker={
            "size": 8,
            "symbol": style.symbol if tuned else f"{style.symbol}-open",
            "color": style.colour,
        },
        hovertemplate=f"{name}, %{{x}}: mean %{{y:.2f}}%, {CI} in the bar<extra></extra>",
    )
