"""The figures by name, for notebooks and papers.

    from analysis import fig1, load
    fig1(load("results/fig1"))

Each figure lives in its own module as `info` (plain data) and `figure` (the drawing); this module finds
the panel that is meant and puts the two together.
"""

from typing import Any

import plotly.graph_objects as go

from analysis import figure1
from analysis.cells import panels
from analysis.load import load
from model.errors import InputError


def fig1(source: Any, measure: str = "last", quantity: str = "error", kind: str = "t") -> go.Figure:
    """Figure 1 of the first panel: error over batch size, one line per norm.

    `source`: a frame from `load`, or whatever `load` takes. `measure`: last|median5; `quantity`:
    error|accuracy; `kind` of interval: t|bca|sd|range. Raises InputError where nothing has finished.
    """
    found = panels(load(source))
    for panel, cells in found.items():
        info = figure1.info(panel, cells, measure, quantity, kind)
        if info.lines:
            return figure1.figure(info)
    raise InputError("no trial has finished: there is nothing to draw")
