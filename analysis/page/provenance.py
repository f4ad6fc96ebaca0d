"""The section on where the numbers come from: the exact command, the code and the machines."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from analysis.page import html
from analysis.page.html import Section
from analysis.sources.load import Sweep
from analysis.study import Study
from orchestrator.results.codes import count
from orchestrator.results.stretches import ORDER

Definition = tuple[str, object]

#: Key of a provenance -> what the page calls it.
_NAMES = {
    "product": "normsweep",
    "commit": "Commit",
    "python": "Python",
    "torch": "PyTorch",
    "ray": "Ray",
    "cuda": "CUDA",
    "processor": "Processor",
    "threads": "Threads",
    "precision": "Precision",
    "kernels": "Kernels",
    "host": "Host",
}


class SweepView(NamedTuple):
    """One sweep. `command`: the latest that ran it, None where it is not known."""

    heading: str | None
    command: str | None
    facts: list[Definition]


def section(study: Study) -> Section:
    """Commands, code and machines, sweep by sweep."""
    views = [_view(sweep, study.several) for sweep in study.sweeps]
    body = html.render("provenance", sweeps=views)
    return Section("provenance", "Provenance", "Where this comes from", body)


def _view(sweep: Sweep, named: bool) -> SweepView:
    known = sweep.facts.get("provenance")
    known = known if isinstance(known, dict) else {}
    command = known.get("command")
    facts: list[Definition] = [
        ("Results", sweep.source),
        ("Description", sweep.facts.get("description")),
        ("First declared", sweep.facts.get("created")),
        ("Last declared", sweep.facts.get("updated")),
        *_data(sweep.facts.get("data")),
        *((_NAMES[key], value) for key, value in known.items() if key in _NAMES),
        *_trained_with(sweep),
        *_mixed_cells(sweep),
        *_changes(sweep),
        *((f"Rounding in {cell}", sentence) for cell, sentence in rounding(sweep.provenance).items()),
    ]
    return SweepView(sweep.name if named else None, str(command) if command else None, facts)


def _data(data: object) -> list[Definition]:
    pairs: list[Definition] = []
    for name, facts in data.items() if isinstance(data, Mapping) else ():
        if isinstance(facts, Mapping):
            size = f"{facts.get('train_size')} training and {facts.get('test_size')} test images"
            pairs.append((f"Data: {name}", f"{size}, fingerprint {facts.get('fingerprint')}"))
    return pairs


def _mixed_cells(sweep: Sweep) -> list[Definition]:
    """Cells whose seeds were not all trained with the same code on the same kind of machine."""
    cells: dict[str, list[dict[str, object]]] = {}
    for one in sweep.provenance:
        cells.setdefault(str(one.get("cell")), []).append(one)
    pairs: list[Definition] = []
    for cell, own in cells.items():
        for key, name in (*_NAMES.items(), ("device", "Device"), ("code", "Code")):
            values = sorted({str(p[key]) for p in own if p.get(key)})
            if len(values) > 1 and key != "host":
                pairs.append((f"Mixed in {cell}", f"{name} {', '.join(values)}"))
    return pairs


def _changes(sweep: Sweep) -> list[Definition]:
    """What changed in the middle of trials, and at which epoch."""
    cells: dict[str, dict[str, set[str]]] = {}
    for one in sweep.provenance:
        if said := one.get("changes"):
            cells.setdefault(str(one.get("cell")), {}).setdefault(said, set()).add(str(one.get("trial_id")))
    return [
        (f"Changed in mid-trial in {cell}", "; ".join(f"{what} ({count(len(i))})" for what, i in own.items()))
        for cell, own in cells.items()
    ]


def rounding(provenance: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Cell -> a sentence, for each cell whose trials were computed in more than one environment.

    `provenance`: of each trial with a result, or each stretch of its epochs, its `cell` beside it. A fact
    that is not recorded is one more value: an older version computed it.
    """
    environments: dict[str, set[tuple[str, ...]]] = {}
    for one in provenance:
        environment = tuple(str(one.get(key)) for key in ORDER)
        environments.setdefault(str(one.get("cell")), set()).add(environment)
    return {
        cell: f"its trials were computed in {len(found)} environments (PyTorch, processor or GPU, threads, "
        "precision, kernels). Each is a fair run of its seed, but would not repeat to the bit in another of "
        "them: the last bits of sums differ, and training amplifies them"
        for cell, found in environments.items()
        if len(found) > 1
    }


def _trained_with(sweep: Sweep) -> list[Definition]:
    """What the trials themselves recorded, where it is more than one thing."""
    pairs: list[Definition] = []
    for key, name in (
        ("commit", "Trained at commits"),
        ("torch", "Trained with PyTorch"),
        ("device", "Trained on"),
        ("code", "Trained by code"),
    ):
        values = sorted({str(p[key]) for p in sweep.provenance if p.get(key)})
        if len(values) > 1 or (key in {"device", "code"} and values):
            pairs.append((name, ", ".join(values)))
    return pairs
