"""Read a sweep's results and say what they show: frames, statistics, tables, figures, one HTML report.

    from analysis import fig1, load
    fig1(load("results/fig1"))

Importing the package is cheap; pandas comes with the first `load`, plotly with the first figure.
"""

from typing import TYPE_CHECKING, Any

from orchestrator.shadowing import refuse_shadowed

if TYPE_CHECKING:
    from analysis.figures import fig1 as fig1
    from analysis.sources.load import load as load
    from analysis.sources.load import load_history as load_history

refuse_shadowed()

__all__ = ["fig1", "load", "load_history"]


def __getattr__(name: str) -> Any:
    if name in ("load", "load_history"):
        from analysis.sources import load as source

        return getattr(source, name)
    if name == "fig1":
        from analysis.figures import fig1

        return fig1
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
