"""The trackers that ship, by name, and those of one's own, by import path."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from model import own
from model.errors import InputError
from orchestrator.trackers.protocol import SweepFacts, Tracker


@dataclass(frozen=True)
class _Shipped:
    """`module` and `name`: of the class. `package`: that it needs, in the extra of the tracker's own name."""

    module: str
    name: str
    package: str


_SHIPPED = {
    "tensorboard": _Shipped("orchestrator.trackers.tensorboard", "TensorBoard", "tensorboardX"),
    "wandb": _Shipped("orchestrator.trackers.wandb", "WandB", "wandb"),
    "trackio": _Shipped("orchestrator.trackers.trackio", "Trackio", "trackio"),
    "mlflow": _Shipped("orchestrator.trackers.mlflow", "MLflow", "mlflow"),
}


def check(names: Sequence[str], results: str) -> None:
    """Raises InputError where one is not known here, or not installed, or could not read the results: before
    anything trains."""
    if names and results.startswith("memory:"):
        raise InputError(
            "--tracker: memory:// is one process's own, and a tracker is another; choose another --results"
        )
    for name in names:
        if own.is_own(name):
            own.load(name)
        elif name not in _SHIPPED:
            raise InputError(
                f"--tracker {name}: expected some of {', '.join(_SHIPPED)}, or an import path of your own, "
                "as mylab.trackers:Mine"
            )
        elif find_spec(package := _SHIPPED[name].package) is None:
            raise InputError(f"--tracker {name} needs the package {package}: pip install 'normsweep[{name}]'")


def make(name: str, sweep: SweepFacts) -> Tracker:
    """The tracker of that name, begun."""
    if own.is_own(name):
        return cast(Tracker, own.load(name)(sweep))
    known = _SHIPPED[name]
    return cast(Tracker, getattr(import_module(known.module), known.name)(sweep))
