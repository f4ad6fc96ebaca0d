"""What one command asks of stored networks, in a form that goes to any process, and a group's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from model.data.selection import Selection
from model.norm_table import Statistics
from orchestrator.execution.evaluation import Report, Task, evaluate_pack, keep_labels
from orchestrator.planning.evaluation import Group
from orchestrator.results.store import Store

if TYPE_CHECKING:
    from model.data.another import OtherImages
    from model.data.dataset import Dataset


@dataclass(frozen=True)
class Asked:
    """`images`: other images by data set, in the place of the sweep's own; empty for those that `on` names.

    `have`: names of evaluations that are there.
    """

    results: str
    data_dir: str | None
    on: Literal["test", "train"]
    statistics: Sequence[Statistics]
    device: str
    have: frozenset[str]
    images: "Mapping[str, OtherImages]"


def evaluate_group(asked: Asked, group: Group) -> Report:
    """The networks of a group evaluated, here, and what is not there yet written. Raises InputError,
    StorageError."""
    first = next(iter(group))
    other = asked.images.get(first.dataset)
    task = Task(
        Store(asked.results),
        _data(first.dataset, asked.data_dir, Selection.of(first)),
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


@lru_cache(maxsize=1)  # cells of one data set follow each other, and one at a time fills the memory
def _data(name: str, data_dir: str | None, selection: Selection) -> "Dataset":
    from model.data.registry import load

    return load(name, data_dir, selection)
