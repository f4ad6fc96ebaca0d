"""The figures by name, for notebooks and papers.

    from analysis import fig1, load
    fig1(load("results/fig1"))

    python -m analysis.figures RESULTS --format svg|png|pdf

Each figure lives in its own module as `info` (plain data) and `figure` (the drawing); this module finds
the panel that is meant and puts the two together, with the same styles as the page.
"""

import re
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import plotly.graph_objects as go

from analysis import arguments as parsers
from analysis import options
from analysis.arguments import WIDTH
from analysis.plots import curves, differences, figure1, group_surface, gsearch, timeline
from analysis.sources.load import Source
from analysis.stats.axes import BATCH_SIZE
from analysis.stats.panel import Panel
from analysis.study import Study, read
from analysis.words.verdict import forest_words
from model.axis import Value
from model.command import command, leave
from model.errors import InputError, first_line

#: Pixels; PNGs have three times as many each way, which is 300 dpi at 16 cm.
HEIGHT, SCALE = 420, 3


def fig1(source: Source, measure: str = "last", quantity: str = "error", kind: str = "t") -> go.Figure:
    """Figure 1 of the first panel that has a result: error over batch size, one line per norm, or over what
    the results vary.

    `source`: a frame from `load`, or whatever `load` takes. `measure`: last|median5; `quantity`:
    error|accuracy; `kind` of interval: t|bca|sd|range. Raises InputError where nothing has finished.
    """
    study = read([source])
    for panel, cells in study.panels.items():
        info = figure1.info(panel, cells, measure, quantity, kind)
        if info.lines:
            found = study.crossings[panel] if measure == study.measure else ()
            return figure1.figure(info, study.styles, found)
    raise InputError("no trial has finished: there is nothing to draw")


def figures(study: Study) -> dict[str, go.Figure]:
    """Every figure of the report by a name fit for a file."""
    by_name: dict[str, go.Figure] = {}
    for panel, cells in study.panels.items():
        suffix = f"-{study.index(panel) + 1}" if len(study.panels) > 1 else ""
        info = figure1.info(panel, cells, study.measure)
        if panel in study.compared and info.lines:
            by_name[f"fig1{suffix}"] = figure1.figure(info, study.styles, study.crossings[panel])
        paired = differences.info(study.differences[panel], forest_words)
        if panel in study.compared and paired:
            by_name[f"differences{suffix}"] = differences.figure(paired, study.styles)
        by_x: dict[str, list[curves.CellCurves]] = {}
        for curve in curves.infos(cells, study.frame, study.history):
            by_x.setdefault(_file_part(panel, curve.x), []).append(curve)
        for part, drawn in by_x.items():
            by_name[f"curves{suffix}-{part}"] = curves.figure(drawn, study.styles)
    for index, search in enumerate(study.searches):
        by_name[f"gsearch{f'-{index + 1}' if len(study.searches) > 1 else ''}"] = gsearch.figure(search)
    for index, surface in enumerate(study.surfaces):
        suffix = f"-{index + 1}" if len(study.surfaces) > 1 else ""
        surface_info = group_surface.info(surface)
        if surface_info.channels:
            by_name[f"choosing-map{suffix}"] = group_surface.heat_map(surface_info)
        for kind in surface_info.kinds:
            by_name[f"choosing-{kind}{suffix}"] = group_surface.lines(surface_info, kind)
    time = timeline.info(study.frame, study.history, study.periods)
    if time is not None and not study.several:
        by_name["time"] = timeline.figure(time, study.styles)
        by_name["speed"] = timeline.speeds(time, study.styles)
    return by_name


def _file_part(panel: Panel, x: Value) -> str:
    """Of a file's name: b32 of a batch size, learning-rate-0.1 of anything else."""
    if panel.x == BATCH_SIZE:
        return f"b{x}"
    return re.sub(r"[^\w.+-]+", "-", f"{panel.x.name.replace('_', '-')}-{panel.x.text(x)}")


def write(drawn: dict[str, go.Figure], folder: Path, form: str, width: int = WIDTH) -> list[Path]:
    """Write each figure as `folder`/<name>.<form>, on white. Raises InputError where that cannot be done."""
    paths = [folder / f"{name}.{form}" for name in drawn]
    if find_spec("kaleido") is None:
        raise InputError(f"writing {form} needs kaleido: pip install 'normsweep[figures]'")
    from plotly.io import write_images

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure in drawn.values():
            figure.update_layout(paper_bgcolor="#ffffff", plot_bgcolor="#ffffff")
        write_images(
            list(drawn.values()),
            paths,
            format=form,
            width=width,
            height=[_height(figure, width) for figure in drawn.values()],
            scale=SCALE,
        )
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror or error}") from None
    except RuntimeError as error:  # kaleido found no browser, or it did not start
        raise InputError(
            f"writing {form} needs Chrome or Chromium, which did not start: {first_line(error)} "
            "Install it, or name it in BROWSER_PATH."
        ) from None
    return paths


def _height(figure: go.Figure, width: int) -> int:
    """In pixels: as the figure needs for its rows, else in proportion."""
    return int(figure.layout.height or round(width * HEIGHT / WIDTH))


@command
def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parsers.figures().parse_args(arguments)
    study = read([chosen.results], options.choices(chosen), axes=chosen.axis)
    for warning in study.sweeps[0].warnings:
        print(f"warning: {warning}", file=sys.stderr)
    drawn = figures(study)
    if chosen.only is not None:
        if chosen.only not in drawn:
            raise InputError(f"no figure {chosen.only!r} here; there are: {', '.join(drawn) or 'none'}")
        drawn = {chosen.only: drawn[chosen.only]}
    if not drawn:
        raise InputError("no trial has finished: there is nothing to draw")
    if not 200 <= chosen.width <= 4000:
        raise InputError(f"--width {chosen.width} is outside 200 to 4000 pixels")
    for path in write(drawn, Path(chosen.out), chosen.format, chosen.width):
        print(path)
    return 0


if __name__ == "__main__":
    leave(main)
