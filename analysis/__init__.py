"""Read a sweep's results and say what they show: frames, statistics, tables, figures, one HTML report.

    from analysis import Report, fig1, load
    fig1(load("results/fig1"))
    Report("results/fig1")

Importing the package is cheap; pandas comes with the first `load`, plotly with the first figure.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestrator.shadowing import refuse_shadowed

if TYPE_CHECKING:
    from analysis.figures import fig1 as fig1
    from analysis.notebook import Report as Report
    from analysis.sources.load import load as load
    from analysis.sources.load import load_history as load_history

refuse_shadowed()

__all__ = ["Report", "fig1", "load", "load_history"]

#: Name -> where it lies.
_HOMES = {
    "Report": "analysis.notebook",
    "fig1": "analysis.figures",
    "load": "analysis.sources.load",
    "load_history": "analysis.sources.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
