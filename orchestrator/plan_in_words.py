"""What is printed of a plan, before a run and by `--dry-run`."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from model.spec import Spec
from orchestrator.cli import duration
from orchestrator.display.cell_names import cell_names
from orchestrator.planning import bucket_requests
from orchestrator.planning.plan import Plan
from orchestrator.planning.resources import Resources, bill
from orchestrator.planning.searches import searching
from orchestrator.results.parents import waiting_in_words
from orchestrator.scheduling import Schedule
from orchestrator.sweep import Prepared

if TYPE_CHECKING:
    pass


def print_plan(prepared: Prepared, console: Console, *, cells: bool, price: float | None = None) -> None:
    """The plan in a line or two; with `cells`, also a row for each cell and the packing with its reason.

    `price`: money per GPU-hour.
    """
    plan = prepared.plan
    for warning in prepared.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    names = Counter(trial.dataset for trial in plan.trials)
    console.print(
        f"[bold]{escape(prepared.name)}[/]: {_count(len(plan.trials), 'trial')} in "
        f"{_count(len({trial.spec for trial in plan.trials}), 'cell')} on {', '.join(names)}; "
        f"{len(plan.finished)} done, {plan.waiting} to run"
        + (f", {len(plan.given_up)} failed before (--retry-failed tries them again)" if plan.given_up else "")
    )
    if plan.first:
        those = (
            "is trained first because others start"
            if plan.first == 1
            else "are trained first because others start"
        )
        them = "it" if plan.first == 1 else "them"
        console.print(f"{_count(plan.first, 'trial')} {those} from {them}")
    for sentence in waiting_in_words(plan.held):
        console.print(f"{sentence} (--retry-failed tries it again)", soft_wrap=True, markup=False)
    if cells:
        console.print(_cells(prepared, console.width))
        for line in _reasons(prepared):
            console.print(line, soft_wrap=True)
    if (schedule := prepared.schedule) is not None:
        slots, each = schedule.site.slots, _each(schedule.site.resources)
        where = f"{slots} at a time" if slots > 1 else "one at a time"
        line = f"{_count(len(plan.packs), 'pack')}, {where} on {each}; {_how_long(schedule)}"
        console.print(line, soft_wrap=True, markup=False)
        if cells or not schedule.chosen.by_rule:
            console.print(schedule.way, soft_wrap=True, markup=False)
        if schedule.sharing is not None and schedule.sharing.reason:
            console.print(schedule.sharing.reason, soft_wrap=True, markup=False)
        if prepared.options.address or price is not None:
            on_cluster = bool(prepared.options.address)
            console.print(_bill(schedule, len(plan.packs), price, on_cluster=on_cluster), soft_wrap=True)
        for line in _in_bucket(prepared, schedule):
            console.print(line, soft_wrap=True, markup=False)
    if prepared.uncounted:
        console.print(prepared.uncounted, soft_wrap=True, markup=False)


def print_rule(words: str, most: Callable[[], Prepared], console: Console) -> None:
    """The rule by which seeds are added, and how long it may take at most; nothing without one. `most`: a
    sweep of all the seeds that it allows."""
    if not words:
        return
    schedule = most().schedule
    left = f"; what is left of them: {_how_long(schedule)}" if schedule else "; all of them are done"
    console.print(f"{words}{left}", soft_wrap=True, markup=False)


def print_later(later: Prepared, now: Prepared, console: Console) -> None:
    """The second stage of a plan, in a line. `now`: the first."""
    plan = later.plan
    line = (
        f"then {_count(len(plan.trials), 'trial')} in "
        f"{_count(len({t.shared for t in plan.trials}), 'cell')}, on all training images with what each "
        "search chose"
    )
    if (schedule := later.schedule) is not None and schedule.estimate is not None:
        line += f"; {_how_long(schedule)}"
        if now.schedule is not None and now.schedule.estimate is not None:
            line += f", {duration(now.schedule.estimate + schedule.estimate)} in all"
    console.print(line, soft_wrap=True, markup=False)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _how_long(schedule: Schedule) -> str:
    if schedule.estimate is None:
        return "it is not known how long: nothing that trains could be timed yet"
    return f"about {duration(schedule.estimate)}, going by {schedule.estimate_source}"


def _bill(schedule: Schedule, packs: int, price: float | None, *, on_cluster: bool) -> str:
    """Machines and hours, and money where a price is known."""
    site = schedule.site
    if schedule.estimate is None:
        up = f", {len(site.nodes)} up now" if on_cluster else ""
        return f"on at most {_count(site.most_nodes, 'machine')}{up}; what it costs is not known yet"
    cost = bill(site, schedule.estimate, packs, price)
    up = f" ({len(site.nodes)} up now)" if len(site.nodes) < cost.nodes and on_cluster else ""
    line = f"on {_count(cost.nodes, 'machine')}{up}: about {cost.node_hours:.3g} node-hours"
    if cost.gpu_hours:
        line += f", {cost.gpu_hours:.3g} GPU-hours"
    if cost.money is not None:
        line += f"; at {price:g} a GPU-hour it costs {cost.money:.2f}" if cost.gpu_hours else ", no GPU-hours"
    return line


def _in_bucket(prepared: Prepared, schedule: Schedule) -> list[str]:
    """What is asked of the bucket, where the results lie in one."""
    if prepared.store.files.local or schedule.estimate is None:
        return []
    asked = bucket_requests.requests(prepared.plan, prepared.infos, schedule.site.slots)
    return bucket_requests.in_words(asked, schedule.estimate, prepared.store.url)


def _each(resources: Resources) -> str:
    cpus = f"{resources.cpus:g} CPU{'s' if resources.cpus != 1 else ''}"
    return f"{resources.gpus:g} GPU and {cpus} each" if resources.gpus else f"{cpus} each"


def _cells(prepared: Prepared, width: int) -> Table:
    """A row a cell; its name is cut before a figure is. `width`: columns of the terminal."""
    plan, schedule = prepared.plan, prepared.schedule
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("cell", no_wrap=True, max_width=max(20, width - 46))
    for name in ("trials", "done", "to run", "packs of"):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    table.add_column("time on one worker", justify="right", min_width=len("one worker"))
    names = cell_names(Counter(trial.spec for trial in plan.trials))
    searched = searching(plan.trials, prepared.tuning)
    row_of = {t.trial_id: (searched.get(t.trial_id, names[t.spec]), t.shared) for t in plan.trials}
    seconds: dict[tuple[str, Spec], float] = {}
    for pack, estimate in zip(plan.packs, plan.seconds, strict=True):
        for trial in pack.trials:
            row = row_of[trial.trial_id]
            seconds[row] = seconds.get(row, 0.0) + estimate / len(pack.trials)
    waiting = Counter(row_of[trial.trial_id] for pack in plan.packs for trial in pack.trials)
    done = Counter(row_of[trial_id] for trial_id in plan.finished)
    sizes = _pack_sizes(plan)
    for row, count in Counter(row_of.values()).items():
        timed = schedule is not None and schedule.estimate is not None and waiting[row] > 0
        table.add_row(
            Text(row[0]),
            str(count),
            str(done[row]),
            str(waiting[row]),
            ", ".join(map(str, sizes[row[1]])) if waiting[row] else "",
            duration(seconds[row]) if timed else "",
        )
    return table


def _pack_sizes(plan: Plan) -> dict[Spec, list[int]]:
    """Of the packs to come, largest first, by what their trials share."""
    sizes: dict[Spec, set[int]] = {}
    for pack in plan.packs:
        sizes.setdefault(pack.spec.shared, set()).add(len(pack.trials))
    return {spec: sorted(found, reverse=True) for spec, found in sizes.items()}


def _reasons(prepared: Prepared) -> list[str]:
    """Why the packs have their sizes, a line for each reason."""
    sizes = _pack_sizes(prepared.plan)
    choices = prepared.schedule.choices if prepared.schedule else {}
    grouped: dict[tuple[int, str], dict[int, None]] = {}
    for spec, choice in choices.items():
        if spec in sizes:  # no larger than what is left of the cell
            most = min(choice.size, max(sizes[spec]))
            grouped.setdefault((most, choice.reason), {})[spec.batch_size] = None
    packs = [pack for pack in prepared.plan.packs if pack.epoch]
    begun = sum(len(pack.trials) > choices[pack.spec.shared].size for pack in packs)
    return [
        *(
            f"packs of {most} at batch size {', '.join(map(str, batches))}: {reason}"
            for (most, reason), batches in grouped.items()
        ),
        *([f"{_count(begun, 'pack')} larger than that: begun, and kept together"] if begun else []),
    ]
