"""The figure of scale: a sweep on up to a thousand workers on paper, and the real driver up to 10,000 trials.

`docs/scale.png` is drawn by

    python -m orchestrator.bench --nodes 3 --json > driver.json
    python -m orchestrator.simulate --grid full --seeds 100 --driver driver.json --figure docs/scale.png

The upper panels say what a cluster does to a sweep; the lower ones whether the driver's share grows
with the number of trials.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import InputError, first_line
from orchestrator.simulate.play import Played

if TYPE_CHECKING:
    import plotly.graph_objects as go


_INK, _MUTED, _GRID = "#1f2430", "#667085", "#e6e8ee"
_BLUE, _ORANGE, _GREEN, _GREY = "#0072b2", "#d55e00", "#009e73", "#98a0ae"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_TITLES = (
    "On paper: how long a sweep takes",
    "On paper: worker-hours paid and not used",
    "The real driver: time per trial beside training",
    "The real driver: memory",
)


def figure(rows: Sequence[Played], sizes: Sequence[Mapping[str, Any]]) -> "go.Figure":
    """`rows`: of `orchestrator.simulate`; `sizes`: of `orchestrator.bench --nodes --json`, may be empty."""
    from plotly.subplots import make_subplots

    lines = 2 if sizes else 1
    drawn = make_subplots(
        rows=lines,
        cols=2,
        subplot_titles=_TITLES[: 2 * lines],
        horizontal_spacing=0.11,
        vertical_spacing=0.16,
    )
    _time(drawn, rows)
    _unused(drawn, rows)
    if sizes:
        _trials(drawn, sizes)
    _frame(drawn, lines)
    return drawn


def _time(drawn: "go.Figure", rows: Sequence[Played]) -> None:
    workers = [row.workers for row in rows]
    drawn.add_scatter(
        x=workers,
        y=[row.bound for row in rows],
        mode="lines",
        line={"color": _GREY, "dash": "dash", "width": 2},
        row=1,
        col=1,
    )
    drawn.add_scatter(
        x=workers,
        y=[row.makespan for row in rows],
        mode="lines+markers+text",
        line={"color": _BLUE, "width": 2},
        marker={"size": 8},
        text=[f"  {_hours(row.makespan)} ({row.makespan / row.bound - 1:+.1%})" for row in rows],
        textposition="middle right",
        textfont={"size": 11, "color": _MUTED},
        cliponaxis=False,
        row=1,
        col=1,
    )
    ticks = {"tickvals": workers, "ticktext": [f"{number:,}" for number in workers]}
    drawn.update_xaxes(type="log", title="workers", range=[-0.2, 4.05], **ticks, row=1, col=1)
    drawn.update_yaxes(type="log", title="hours", dtick=1, tickformat=",", row=1, col=1)
    _corner(drawn, "", "dashed: no schedule is shorter;<br>in percent: ours above it", (0.03, 0.05), _MUTED)


def _unused(drawn: "go.Figure", rows: Sequence[Played]) -> None:
    labels = [f"{row.workers:,}" for row in rows]
    parts = (("lost with nodes", "lost", _ORANGE), ("start-up", "starting", _BLUE), ("idle", "idle", _GREY))
    for name, key, colour in parts:
        drawn.add_bar(
            x=labels,
            y=[100 * getattr(row, key) / row.paid for row in rows],
            name=name,
            marker={"color": colour},
            row=1,
            col=2,
        )
    drawn.update_xaxes(type="category", title="workers", row=1, col=2)
    drawn.update_yaxes(title="of all worker-hours", ticksuffix=" %", rangemode="tozero", row=1, col=2)


_SERIES = (
    ("wall", _BLUE, "solid", "wall clock"),
    ("cpu", _ORANGE, "solid", "processor time of the driver"),
    ("load", _GREY, "dot", "load average of the machine (not ms)"),
)


def _trials(drawn: "go.Figure", sizes: Sequence[Mapping[str, Any]]) -> None:
    largest = max(sizes, key=lambda size: size["trials"])
    parts = largest["slices"]
    middle = [(part["first"] + part["last"]) / 2 for part in parts]
    for index, (key, colour, dash, name) in enumerate(_SERIES):
        drawn.add_scatter(
            x=middle,
            y=[part[key] for part in parts],
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            row=2,
            col=1,
        )
        _corner(drawn, "3", name, (0.98, 0.98 - 0.075 * index), colour)
    _memory(drawn, sizes, parts)
    for column in (1, 2):
        drawn.update_xaxes(
            title="trials done", range=[0, 1.04 * largest["trials"]], tickformat=",", row=2, col=column
        )
    highest = max(part[key] for part in parts for key, *_ in _SERIES)
    drawn.update_yaxes(title="ms", range=[0, 1.35 * highest], row=2, col=1)  # room for the names


def _memory(
    drawn: "go.Figure", sizes: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]]
) -> None:
    drawn.add_scatter(
        x=[part["last"] for part in parts],
        y=[part["memory"] for part in parts],
        mode="lines",
        line={"color": _GREEN, "width": 2},
        row=2,
        col=2,
    )
    drawn.add_scatter(
        x=[size["trials"] for size in sizes],
        y=[size["peak"] for size in sizes],
        mode="markers",
        marker={"color": _GREEN, "size": 9, "symbol": "diamond"},
        row=2,
        col=2,
    )
    text = "― while it runs, in the largest sweep<br>◆ peak of a whole sweep, its end included"
    _corner(drawn, "4", text, (0.03, 0.05), _GREEN)
    drawn.update_yaxes(title="MB", rangemode="tozero", tickformat=",", row=2, col=2)


def _corner(drawn: "go.Figure", axis: str, text: str, place: tuple[float, float], colour: str) -> None:
    """`place`: as shares of the panel."""
    drawn.add_annotation(
        x=place[0],
        y=place[1],
        xref=f"x{axis} domain",
        yref=f"y{axis} domain",
        text=text,
        showarrow=False,
        align="left",
        xanchor="left" if place[0] < 0.5 else "right",
        yanchor="bottom" if place[1] < 0.5 else "top",
        font={"size": 12, "color": colour},
    )


def _hours(hours: float) -> str:
    return f"{hours:,.0f} h" if hours >= 20 else f"{hours:.1f} h"


def _frame(drawn: "go.Figure", lines: int) -> None:
    drawn.update_layout(
        template={},
        width=1000,
        height=400 * lines,
        font={"family": _FONT, "size": 13, "color": _INK},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        margin={"l": 70, "r": 30, "t": 50, "b": 60},
        barmode="stack",
        bargap=0.45,
        showlegend=True,
        legend={
            "x": 0.57,
            "y": 0.985,
            "xanchor": "left",
            "yanchor": "top",
            "bgcolor": "rgba(255,255,255,0.8)",
        },
    )
    drawn.update_traces(showlegend=False, selector={"type": "scatter"})
    drawn.update_xaxes(gridcolor=_GRID, zeroline=False, linecolor=_GREY, showline=True)
    drawn.update_yaxes(gridcolor=_GRID, zeroline=False)
    for annotation in drawn.layout.annotations[: 2 * lines]:
        annotation.update(font={"size": 15, "color": _INK})


def write(rows: Sequence[Played], sizes: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw into `path`, by its suffix. Raises InputError where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure(rows, sizes).write_image(path, scale=2)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise InputError(
            f"cannot draw {path}: {first_line(error)} (it needs the extra 'figures', and Chrome or Chromium)"
        ) from None
