"""Declare a sweep, reconcile it with what is done, and run what is missing on Ray Tune.

    from orchestrator import Sweep
    Sweep("demo").run()

Importing the package is cheap; what a name needs comes when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestrator.shadowing import refuse_shadowed

if TYPE_CHECKING:
    from orchestrator.api import Sweep as Sweep
    from orchestrator.api import SweepPlan as SweepPlan
    from orchestrator.execution.stored import load_network as load_network

refuse_shadowed()

__all__ = ["Sweep", "SweepPlan", "load_network"]

#: Name -> where it lies.
_HOMES = {
    "Sweep": "orchestrator.api",
    "SweepPlan": "orchestrator.api",
    "load_network": "orchestrator.execution.stored",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
