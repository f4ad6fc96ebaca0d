"""What the cells of one figure share."""

from collections.abc import Collection
from dataclasses import dataclass

from analysis.stats.axes import XAxis, at, axis_named, tells_apart
from analysis.stats.roles import CLASSIC, Roles
from model.axis import Value
from model.spec import default_of

#: Recipe -> what a title calls it.
RECIPE_NAMES: dict[Value, str] = {
    "wu2018": "recipe of Wu & He (2018)",
    "he2015": "recipe of He et al. (2015)",
}


@dataclass(frozen=True)
class Panel:
    """The source of a figure's cells, and the `values` of `roles.panel` in order."""

    source: str | None
    values: tuple[Value, ...]
    roles: Roles = CLASSIC

    def __getitem__(self, key: str) -> Value:
        """The source or the value of an axis that the cells share, by its name. Raises KeyError."""
        return dict(zip(("source", *self.roles.panel), (self.source, *self.values), strict=True))[key]

    def get(self, key: str) -> Value:
        """The same; None where the cells do not share it."""
        return self[key] if key in self.roles.panel else None

    @property
    def x(self) -> XAxis:
        """What its lines run over."""
        return self.roles.axis

    @property
    def dataset(self) -> str | None:
        return _text(self.get("dataset"))

    @property
    def model(self) -> str | None:
        return _text(self.get("model"))

    @property
    def shortcut(self) -> str | None:
        return _text(self.get("shortcut"))

    @property
    def holdout(self) -> int:
        """Training images held out; 0 where there are none, or the source does not say."""
        return int(self.get("holdout") or 0)

    @property
    def judged(self) -> str:
        """The images that the error is measured on; empty where the source does not say."""
        if self.holdout:
            return "validation"
        return "" if self.get("holdout") is None else "test"

    def measured(self, quantity: str = "error") -> str:
        """“test error”, “validation accuracy”, or the quantity alone where nobody says on what."""
        return f"{self.judged} {quantity}".strip()

    @property
    def title(self) -> str:
        """What the panel's trials share, in a line."""
        return self.title_without(())

    def title_without(self, axes: Collection[str]) -> str:
        """The same, without these axes."""
        pairs = [pair for pair in zip(self.roles.panel, self.values, strict=True) if pair[0] not in axes]
        return " · ".join(words for words in (self._in_title(name, value) for name, value in pairs) if words)

    def _in_title(self, name: str, value: Value) -> str | None:
        if name == "batch_size":
            return at(name, value)
        axis = axis_named(name)
        said = {"recipe": self.get("recipe"), "optimizer": self.get("optimizer")}
        usual = default_of(name, said) if axis.from_recipe else axis.default
        return RECIPE_NAMES.get(value) or axis.in_title(value, usual)

    def named(self, axes: Collection[str]) -> str:
        """The values of these axes, defaults too: “learning rate 0.1, momentum 0.9”."""
        pairs = zip(self.roles.panel, self.values, strict=True)
        return ", ".join(at(name, value) for name, value in pairs if name in axes)


def varied_axes(panels: Collection[Panel]) -> tuple[str, ...]:
    """The axes of the foreground that panels of one study differ in, and that no figure shows."""
    names = next(iter(panels)).roles.panel if panels else ()
    return tuple(
        name
        for name in names
        if not axis_named(name).background
        and tells_apart(name, ((panel.source, panel[name]) for panel in panels))
    )


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
