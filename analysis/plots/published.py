"""Published curves to stand beside our own, with their sources.

They are other people's numbers and are never mixed with ours: no statistic reads this file. Results that are
those very numbers are recognised, because they would look like a replication of themselves. Beside lines of
which none was trained as published (at another learning rate, say, or width) none is drawn. Those of another
data set or network show the shape to expect and not the height, so only the curves of the panel's own data
set and network are on from the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.stats.axes import BATCH_SIZE
from analysis.stats.cells import Cell
from analysis.stats.line import Line
from model.spec import AXES, default_of


@dataclass(frozen=True)
class Published:
    """A published line: batch size -> test error in percent, to so many `digits` after the point."""

    key: str
    name: str
    source: str
    norm: str
    dataset: str
    model: str
    errors: dict[int, float]
    digits: int = 2

    @property
    def group(self) -> str:
        """The publication: what its lines are switched on and off by."""
        return self.name.partition(",")[0]

    def matches(self, dataset: str | None, model: str | None) -> bool:
        """Whether it is of this data set and network."""
        return (self.dataset, self.model) == (dataset, model)


_WU = "Wu & He 2018, Group Normalization, Fig. 1 (ResNet-50, ImageNet)"
_FRANKE = "Franke 2021, Fig. 1 (ResNet-20, CIFAR-10, mean of 5 seeds)"
_HE = "He et al. 2015, Deep Residual Learning, Table 6 (ResNet-20, CIFAR-10, batch size 128)"

PUBLISHED: tuple[Published, ...] = (
    Published(
        "franke-bn", "Franke 2021, BN", _FRANKE, "bn", "cifar10", "resnet20",
        {32: 13.60, 16: 13.60, 8: 13.86, 4: 15.23, 2: 19.70},
    ),
    Published(
        "franke-gn", "Franke 2021, GN (G = 8)", _FRANKE, "gn", "cifar10", "resnet20",
        {32: 14.05, 16: 14.29, 8: 14.23, 4: 14.03, 2: 14.21},
    ),
    Published(
        "wu-bn", "Wu & He 2018, BN", _WU, "bn", "imagenet", "resnet50",
        {32: 23.6, 16: 23.7, 8: 24.8, 4: 27.3, 2: 34.7}, 1,
    ),
    Published(
        "wu-gn", "Wu & He 2018, GN (G = 32)", _WU, "gn", "imagenet", "resnet50",
        {32: 24.1, 16: 24.2, 8: 24.0, 4: 24.2, 2: 24.1}, 1,
    ),
    Published("he", "He et al. 2015, BN", _HE, "bn", "cifar10", "resnet20", {128: 8.75}),
)  # fmt: skip

#: Franke 2021's search for the G of group norm: G -> validation error in percent (ResNet-20, CIFAR-10).
FRANKE_G_SEARCH: dict[int, float] = {8: 12.00, 4: 12.38, 2: 14.25}

#: What a panel, a line or a cell may be without being another setting than a published one: shorter runs and
#: other networks show the shape.
_FREE = {
    "dataset",
    "model",
    "shortcut",
    "recipe",
    "epochs",
    "iterations",
    "holdout",
    "norm",
    "groups",
    "batch_size",
}

#: As many batch sizes must agree to the last digit, and no other disagree, before results count as a
#: publication's own; one or two may agree by chance.
_ALIKE = 3


def recognised(cells: Sequence[Cell]) -> list[Published]:
    """The published lines that one panel's `cells` are, mean by mean."""
    return [entry for entry in PUBLISHED if _is(entry, cells)]


def _is(entry: Published, cells: Sequence[Cell]) -> bool:
    """Whether one line of `cells` has the published mean at every batch size that both have."""
    by_line: dict[object, list[bool]] = {}
    for cell in cells:
        if (
            cell.panel.x == BATCH_SIZE
            and cell.line.norm == entry.norm
            and cell.x in entry.errors
            and cell.errors()
        ):
            apart = abs(cell.summary().mean - entry.errors[_size(cell)])
            by_line.setdefault(cell.line, []).append(apart <= 0.5 * 10**-entry.digits + 1e-9)
    return any(len(alike) >= _ALIKE and all(alike) for alike in by_line.values())


def _size(cell: Cell) -> int:
    return int(cell.x or 0)


def others(cells: Sequence[Cell]) -> list[Published]:
    """The published lines that may stand beside `cells`: none of a publication whose numbers they are, and
    none where no line of theirs was trained as published."""
    if not _as_published(cells):
        return []
    own = {entry.group for entry in recognised(cells)}
    return [entry for entry in PUBLISHED if entry.group not in own]


def published_search(cells: Sequence[Cell]) -> dict[int, float]:
    """The published search that may stand beside one of ours, of cells that differ in G alone; empty where
    none may."""
    panel = cells[0].panel
    here = (panel.dataset, panel.model, cells[0].line.norm) == ("cifar10", "resnet20", "gn")
    return FRANKE_G_SEARCH if here and _as_published(cells) else {}


def _as_published(cells: Sequence[Cell]) -> bool:
    """Whether one line at least is at the recipe's own values throughout. An axis that is none of ours, or
    that a source does not speak of, is no reason against it."""
    by_line: dict[Line, bool] = {}
    for cell in cells:
        row = {name: cell.value(name) for name in AXES}
        usual = all(row[name] in (None, default_of(name, row)) for name in AXES if name not in _FREE)
        by_line[cell.line] = by_line.get(cell.line, True) and usual
    return any(by_line.values())
