"""The section with the networks that were trained, as diagrams."""

from collections.abc import Sequence
from typing import NamedTuple

from analysis.page import html
from analysis.page.html import Section
from analysis.plots import network
from analysis.sources.load import Sweep
from analysis.study import Study
from model.norm_table import NORM_NAMES
from model.spec import MODELS


class NetworkView(NamedTuple):
    """One network. `dotted`: what a shortcut does where dimensions change."""

    diagram: network.Diagram
    model: str
    dataset: str
    parameters: str
    norms: str
    dotted: str


class Images(NamedTuple):
    """What a data set's images are: [channels, height, width], and how many classes."""

    shape: tuple[int, int, int] = (3, 32, 32)
    classes: int = 10


def section(study: Study) -> Section | None:
    """The networks that were trained; None where the sources do not say which."""
    images = _images(study.sweeps)
    views = []
    for model, shortcut, dataset in dict.fromkeys((p.model, p.shortcut, p.dataset) for p in study.panels):
        if model not in MODELS or shortcut is None:
            continue
        own = images.get(str(dataset), Images())
        drawn = network.info(str(model), shortcut, own.shape, own.classes)
        norms = dict.fromkeys(
            (c.line.norm, c.line.short)
            for p, cells in study.panels.items()
            if p.model == model
            for c in cells
        )
        names = " or ".join(NORM_NAMES[norm].lower() if norm in NORM_NAMES else name for norm, name in norms)
        dotted = "a 1×1 convolution and norm" if shortcut == "projection" else "every second pixel and zeros"
        diagram = network.diagram(drawn, names)
        views.append(NetworkView(diagram, str(model), str(dataset), f"{drawn.parameters:,}", names, dotted))
    if not views:
        return None
    return Section("network", "Network", "The network", html.render("network", networks=views))


def _images(sweeps: Sequence[Sweep]) -> dict[str, Images]:
    """Data set -> its images, as the sweep declared them."""
    images = {}
    for sweep in sweeps:
        data = sweep.facts.get("data")
        for name, facts in data.items() if isinstance(data, dict) else ():
            shape, classes = (facts.get("image"), facts.get("classes")) if isinstance(facts, dict) else (0, 0)
            whole = isinstance(shape, list) and len(shape) == 3 and all(isinstance(i, int) for i in shape)
            if whole and isinstance(classes, int) and isinstance(shape, list):
                images[str(name)] = Images((shape[0], shape[1], shape[2]), classes)
    return images
