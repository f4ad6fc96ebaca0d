"""The section on where the time went."""

from collections.abc import Mapping
from typing import NamedTuple

from analysis.page import html
from analysis.page.html import Section
from analysis.plots import timeline
from analysis.sources.load import Sweep
from analysis.study import Study
from orchestrator.cli import duration

Definition = tuple[str, object]


class Run(NamedTuple):
    """What one run of the sweep said before it began; None where it did not. `begun`: Unix time."""

    begun: float | None
    estimate_seconds: float | None
    cpus_per_pack: float | None
    gpus_per_pack: float | None


class SweepView(NamedTuple):
    """One sweep's figures and totals. `height`: of its timeline, in pixels."""

    heading: str | None
    totals: list[Definition]
    time_key: str
    speed_key: str
    height: int


def section(study: Study) -> Section | None:
    """Where the time went, sweep by sweep; None where no epoch carries a clock."""
    views, drawn = [], {}
    for index, sweep in enumerate(study.sweeps):
        info = timeline.info(sweep.frame, sweep.history, sweep.periods)
        if info is None:
            continue
        view = SweepView(
            heading=sweep.name if study.several else None,
            totals=_totals(info, sweep),
            time_key=f"time-{index}",
            speed_key=f"speed-{index}",
            height=min(900, 110 + 26 * len(info.lanes)),
        )
        drawn[view.time_key] = timeline.figure(info, study.styles).to_plotly_json()
        drawn[view.speed_key] = timeline.speeds(info, study.styles).to_plotly_json()
        views.append(view)
    if not views:
        return None
    return Section("time", "Time", "Where the time went", html.render("time", sweeps=views), figures=drawn)


def _totals(info: timeline.TimeInfo, sweep: Sweep) -> list[Definition]:
    runs = _runs(sweep)
    gpu = any("cpu" not in device.lower() for device in info.devices)
    share = (runs[-1].gpus_per_pack if gpu else runs[-1].cpus_per_pack) if runs else None
    what = ("GPU-hours" if gpu else "Core-hours") if share else "Worker-hours"
    hours = info.busy / 3600 * (share or 1.0)
    pairs: list[Definition] = [
        (what, f"{hours:,.2f}" if hours < 100 else f"{hours:,.0f}"),
        ("From first to last epoch", duration(info.span)),
        (
            "Packs at a time",
            f"{len(info.lanes)} at most, places at work {info.use:.0%} of the time",
        ),
        ("Trained on", ", ".join(info.devices)),
    ]
    return pairs + [("Estimate and truth", words) for run in runs if (words := _truth(sweep, run, runs))]


def _truth(sweep: Sweep, run: Run, runs: list[Run]) -> str | None:
    """How long a run took beside how long it said that it would; None where either is not known."""
    if not run.estimate_seconds or run.begun is None:
        return None
    took = _took(sweep, run.begun, runs)
    if took is None:
        return None
    estimate = run.estimate_seconds
    both = f"{duration(estimate)} estimated, {duration(took)} taken"
    return f"{both} ({took / estimate:.2f} ×)"


def _took(sweep: Sweep, begun: float, runs: list[Run]) -> float | None:
    """Seconds from a run's begin (Unix time) to the last epoch that ended before the next run began."""
    later = (run.begun for run in runs if run.begun is not None and run.begun > begun)
    until = min(later, default=float("inf"))
    ended = (sweep.history if sweep.periods is None else sweep.periods)["ended"]
    own = ended[(ended >= begun) & (ended < until)]
    return float(own.max() - begun) if len(own) else None


def _runs(sweep: Sweep) -> list[Run]:
    """Every run of the sweep, oldest first. One that keeps only its latest has that in its provenance."""
    listed = sweep.facts.get("runs")
    runs = [_run(run) for run in listed if isinstance(run, Mapping)] if isinstance(listed, list) else []
    provenance = sweep.facts.get("provenance")
    return runs or ([_run(provenance)] if isinstance(provenance, Mapping) else [])


def _run(facts: Mapping[str, object]) -> Run:
    return Run(*(_number(facts.get(name)) for name in Run._fields))


def _number(value: object) -> float | None:
    """A finite number out of JSON."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0
    return float(value) if known and isinstance(value, (int, float)) else None
