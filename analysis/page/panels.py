"""What the page's script draws of each panel: the layers of Figure 1, and learning curves."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from analysis.plots import curves, figure1
from analysis.plots.crossing import Crossing
from analysis.plots.theme import Json
from analysis.stats.axes import value_text
from analysis.stats.cells import Cell
from analysis.stats.choices import MEASURES
from analysis.stats.intervals import KINDS
from analysis.stats.panel import Panel
from analysis.study import Study
from model.axis import Value


class CurvesData(TypedDict):
    """The learning curves of one x, as plotly takes them."""

    x: str
    data: list[Json]
    layout: Json


class PanelData(TypedDict):
    """`paired`: whether the runs of a seed are pairs; `axes`: of those that panels differ in, the value as
    text; `layers`: switches -> traces; `layouts`: quantity and measure -> layout."""

    dataset: str | None
    paired: bool
    axes: dict[str, str]
    layers: dict[str, list[Json]]
    layouts: dict[str, Json]
    curves: list[CurvesData]


def panel_data(study: Study, *others: Study) -> list[PanelData]:
    """For each panel, the layers of its Figure 1 and its learning curves by x. `others`: the same results
    under other measures, which have crossovers of their own."""
    crossings = {one.measure: one.crossings for one in (study, *others)}
    drawn = []
    for panel, cells in study.panels.items():
        layers, layouts = _figure1_layers(
            panel, cells, study, {measure: found[panel] for measure, found in crossings.items()}
        )
        drawn.append(
            PanelData(
                dataset=panel.dataset,
                paired=study.choices[panel].paired,
                axes={name: value_text(panel[name]) for name in study.varied},
                layers=layers,
                layouts=layouts,
                curves=_curves(cells, study),
            )
        )
    return drawn


def _figure1_layers(
    panel: Panel, cells: Sequence[Cell], study: Study, crossings: Mapping[str, Sequence[Crossing]]
) -> tuple[dict[str, list[Json]], dict[str, Json]]:
    """Every trace once, under the switches that change it, so that 16 figures cost hardly more than one."""
    layers: dict[str, list[Json]] = {}
    layouts: dict[str, Json] = {}
    for quantity in figure1.QUANTITIES:
        for measure in MEASURES:
            for kind in KINDS:
                info = figure1.info(panel, cells, measure, quantity, kind)
                drawn = figure1.drawing(info, study.styles, crossings.get(measure, ()))
                layouts.setdefault(f"{quantity}|{measure}", drawn["layout"])
                fresh: dict[str, list[Json]] = {}
                for trace in drawn["data"]:
                    key = {
                        "published": f"published|{quantity}",
                        "seed": f"seed|{quantity}|{measure}",
                    }.get(trace["meta"]["role"], f"interval|{quantity}|{measure}|{kind}")
                    fresh.setdefault(key, []).append(trace)
                for key, traces in fresh.items():
                    layers.setdefault(key, traces)
        if anew := precise_cells(panel, study):
            shown, again = (figure1.info(panel, own, quantity=quantity) for own in (cells, anew))
            layers[f"precise|{quantity}"] = figure1.precise(shown, again, study.styles)
    return layers, layouts


def precise_cells(panel: Panel, study: Study) -> Sequence[Cell]:
    """The cells of `panel` with their errors by precise statistics; empty where no network was asked."""
    for question, asked in study.answers.items():
        if question.judged and question.statistics == "precise" and panel in asked:
            return asked[panel]
    return ()


def _curves(cells: Sequence[Cell], study: Study) -> list[CurvesData]:
    by_x: dict[Value, list[curves.CellCurves]] = {}
    for info in sorted(
        curves.infos(cells, study.frame, study.history), key=lambda info: info.panel.x.key(info.x)
    ):
        by_x.setdefault(info.x, []).append(info)
    return [_curves_at(x, infos, study) for x, infos in by_x.items()]


def _curves_at(x: Value, infos: Sequence[curves.CellCurves], study: Study) -> CurvesData:
    drawn = curves.drawing(infos, study.styles)
    return CurvesData(x=value_text(x), data=drawn["data"], layout=drawn["layout"])
