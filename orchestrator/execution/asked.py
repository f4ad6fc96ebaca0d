"""What one command asks of stored networks, in a form that goes to any process, and a group's answers."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model.data.selection import Selection
from model.norm_table import Statistics
from orchestrator.execution import worker
from orchestrator.execution.evaluation import Report, Task, evaluate_pack, keep_labels
from orchestrator.planning.evaluation import Group
from orchestrator.results.hold import beside_sweep
from orchestrator.results.store import Store

if TYPE_CHECKING:
    from model.data.another import OtherImages


@dataclass(frozen=True)
class Asked:
    """`images`: other images by data set, in the place of the sweep's own; empty for those that `on` names.

    `fingerprints`: of the data sets as the command found them. `have`: names of evaluations that are there.
    """

    results: str
    data_dir: str | None
    fingerprints: Mapping[str, str]
    on: Literal["test", "train"]
    statistics: Sequence[Statistics]
    device: str
    have: frozenset[str]
    images: "Mapping[str, OtherImages]"


def evaluate_group(asked: Asked, group: Group) -> Report:
    """The networks of a group evaluated, here, and what is not there yet written, with a worker's patience.

    Raises InputError, and StorageError, also where the data changed meanwhile.
    """
    store = Store(asked.results, worker.PATIENCE, waiting=_waiting)
    beside_sweep(store.files)
    first = next(iter(group))
    other = asked.images.get(first.dataset)
    task = Task(
        store,
        worker.loaded(
            first.dataset,
            asked.data_dir,
            Selection.of(first),
            asked.fingerprints[first.dataset],
            asked.results,
        ),
        "other" if other else "train" if asked.on == "train" else "own",
        asked.statistics,
        asked.device,
        asked.have,
        other,
    )
    report = evaluate_pack(task, group)
    if report.written or report.there:
        keep_labels(task)
    return report


def _waiting(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)
