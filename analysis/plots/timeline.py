"""Where the time went: packs over workers, from the epochs' own clocks.

A worker is a process and a sweep that was interrupted has had many; lanes are drawn instead, as few per
host as its packs need, so that an idle slot shows as a gap and not as one more row.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import plotly.graph_objects as go

from analysis.plots import palette, theme
from analysis.plots.x_axis import places_of
from analysis.sources.periods import periods as periods_of
from analysis.stats.axes import BATCH_SIZE
from analysis.stats.line import Line, labels


class BusyPeriod(NamedTuple):
    """A pack's uninterrupted work on one worker. `begin`, `end`: seconds since the sweep's first epoch."""

    lane: str
    worker: str
    line: Line
    batch_size: int
    seeds: tuple[int, ...]
    replicas: int
    begin: float
    end: float
    epochs: int
    images_per_second: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


class TimeInfo(NamedTuple):
    """`busy`: seconds of all busy periods; `span`: from the first epoch's begin to the last one's end."""

    periods: list[BusyPeriod]
    lanes: list[str]
    busy: float
    span: float
    devices: tuple[str, ...]

    @property
    def use(self) -> float:
        """The share of the lanes' time that was work."""
        return self.busy / (self.span * len(self.lanes)) if self.span > 0 else 0.0


def info(frame: pd.DataFrame, history: pd.DataFrame, periods: pd.DataFrame | None = None) -> TimeInfo | None:
    """The busy periods of a sweep; None where its epochs carry no clock. `periods`: of sources.periods, where
    `history` has not all epochs."""
    known = periods_of(history) if periods is None else periods
    rows = known.merge(
        frame[["trial_id", "norm", "groups", "batch_size", "seed"]], on="trial_id", how="inner"
    )
    rows = rows[rows["norm"].notna() & rows["batch_size"].notna()]
    if rows.empty:
        return None
    found = _lanes(sorted(_joined(rows), key=lambda p: (p.begin, p.worker)))
    devices = tuple(sorted({str(d) for d in known["device"].dropna()}))
    span = max(p.end for p in found)
    lanes = sorted({p.lane for p in found}, key=_lane_order)
    return TimeInfo(found, lanes, sum(p.seconds for p in found), span, devices)


def _joined(rows: pd.DataFrame) -> list[BusyPeriod]:
    """The rows of the seeds that ran together in one, in the order of the first of each."""
    keys = ["worker", "norm", "groups", "batch_size", "begin", "end"]
    packs = rows.groupby(keys, dropna=False, sort=False)
    zero, named = float(rows["begin"].min()), labels(rows["norm"].astype(str))
    seeds: dict[int, set[int]] = {}
    for number, seed in zip(packs.ngroup(), rows["seed"], strict=True):
        own = seeds.setdefault(int(number), set())
        if not pd.isna(seed):
            own.add(int(seed))
    first, replicas = packs.head(1), packs.size()
    return [
        BusyPeriod(
            lane="",
            worker=str(worker),
            line=Line(str(norm), None if pd.isna(groups) else int(groups), label=named.get(str(norm), "")),
            batch_size=int(batch_size),
            seeds=tuple(sorted(seeds[number])),
            replicas=int(count),
            begin=float(begin) - zero,
            end=float(end) - zero,
            epochs=int(epochs),
            images_per_second=float(speed),
        )
        for number, (worker, norm, groups, batch_size, begin, end, count, epochs, speed) in enumerate(
            zip(
                *(first[key] for key in keys),
                replicas,
                packs["epochs"].max(),
                packs["speed"].median(),
                strict=True,
            )
        )
    ]


def _lane_order(lane: str) -> tuple[str, int]:
    host, _, number = lane.rpartition(" ")
    return host, int(number)


def _lanes(periods: Sequence[BusyPeriod]) -> list[BusyPeriod]:
    """Each period on the first lane of its host that is free; its worker's last lane before others."""
    free: dict[str, list[float]] = {}
    last: dict[str, int] = {}
    placed = []
    for period in periods:
        host = period.worker.rsplit("/", 1)[0] or "worker"
        lanes = free.setdefault(host, [])
        fits = [i for i, until in enumerate(lanes) if until <= period.begin + 0.5]
        own = last.get(period.worker)
        lane = own if own in fits else fits[0] if fits else len(lanes)
        if lane == len(lanes):
            lanes.append(0.0)
        assert lane is not None
        lanes[lane] = period.end
        last[period.worker] = lane
        placed.append(period._replace(lane=f"{host} · {lane + 1}"))
    return placed


def unit(span: float) -> tuple[str, float]:
    """The unit of time that suits a span of so many seconds, and how many seconds it has."""
    for name, seconds in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if span >= 2 * seconds:
            return name, seconds
    return "seconds", 1.0


def figure(info: TimeInfo, styles: dict[Line, palette.Style]) -> go.Figure:
    """A bar for each busy period, in its norm's colour."""
    name, scale = unit(info.span)
    lines = sorted({s.line for s in info.periods}, key=lambda line: line.order)
    traces = [_bars([s for s in info.periods if s.line == line], styles[line], scale) for line in lines]
    return go.Figure(
        data=traces,
        layout=theme.layout(
            barmode="overlay",
            bargap=0.25,
            xaxis={
                "title": {"text": f"{name.capitalize()} since the first epoch began"},
                "rangemode": "tozero",
            },
            yaxis={
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [theme.plain(lane) for lane in reversed(info.lanes)],
                "showgrid": False,
                "title": {"text": ""},
            },
        ),
    )


def _bars(mine: Sequence[BusyPeriod], style: palette.Style, scale: float) -> go.Bar:
    """One line's busy periods, each with its batch size in it."""
    return go.Bar(
        orientation="h",
        y=[theme.plain(s.lane) for s in mine],
        base=[round(s.begin / scale, 4) for s in mine],
        x=[round(s.seconds / scale, 4) for s in mine],
        name=theme.plain(mine[0].line.name),
        marker={"color": style.colour, "line": {"color": "#ffffff", "width": 1}},
        text=[str(s.batch_size) for s in mine],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="inside",
        textfont={"color": "#ffffff", "size": 11},
        customdata=[_hover(s) for s in mine],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _hover(s: BusyPeriod) -> str:
    seeds = ", ".join(map(str, s.seeds[:12])) + (" …" if len(s.seeds) > 12 else "")
    name, scale = unit(s.seconds)
    text = (
        f"<b>{theme.plain(s.line.name)}, batch size "
        f"{s.batch_size}</b><br>seed{'s' if len(s.seeds) > 1 else ''} {seeds}"
    )
    text += f"<br>{s.epochs} epochs in {s.seconds / scale:.1f} {name}<br>on {theme.plain(s.worker)}"
    return text + (f"<br>{s.images_per_second:,.0f} images/s" if s.images_per_second > 0 else "")


def _together(s: BusyPeriod) -> str:
    """“5 seeds”; of a pack whose runs differ in more than the seed “15 runs”."""
    return f"{s.replicas} {'seeds' if s.replicas == len(s.seeds) else 'runs'}"


def speeds(info: TimeInfo, styles: dict[Line, palette.Style]) -> go.Figure:
    """Images a second of whole packs over the batch size; a dot is a busy period."""
    traces = []
    lines = sorted({s.line for s in info.periods}, key=lambda line: line.order)
    for rank, line in enumerate(lines):
        mine = [s for s in info.periods if s.line == line and s.images_per_second > 0]
        style = styles[line]
        traces.append(
            go.Scatter(
                x=[s.batch_size * 2 ** theme.aside(rank, len(lines), 0.1) for s in mine],
                y=[round(s.images_per_second, 2) for s in mine],
                customdata=[[s.batch_size, _together(s)] for s in mine],
                mode="markers",
                name=theme.plain(line.name),
                marker={"size": 9, "symbol": style.symbol, "color": style.tint(0.7)},
                hovertemplate=f"{theme.plain(line.name)}, batch size %{{customdata[0]}}<br>"
                "%{y:,.0f} images/s, %{customdata[1]} together<extra></extra>",
            )
        )
    return go.Figure(
        data=traces,
        layout=theme.layout(
            xaxis=places_of(BATCH_SIZE, (s.batch_size for s in info.periods)).layout(),
            yaxis={"title": {"text": "Images per second"}, "rangemode": "tozero"},
        ),
    )
