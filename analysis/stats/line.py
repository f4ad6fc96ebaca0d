"""What one line of a figure is, and what it is called."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.sources.frame import plain_column
from analysis.stats.axes import at, sort_key
from model.axis import Value
from model.norm_table import NORM_NAMES, NORMS, abbreviation
from model.own import short_name, unpinned
from model.spec import AXES


@dataclass(frozen=True)
class Line:
    """A norm, with its G and with `more`: axis -> value of what else tells lines apart.

    `label`: what a norm that is none of ours is called where its own name would be long or not its alone.
    """

    norm: str
    groups: int | None = None
    more: tuple[tuple[str, Value], ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        """Short: BN, GN (G = 8), BN (weight decay 0.0005); never that of another line of the same study."""
        return f"{self.short} ({self.rest})" if self.rest else self.short

    @property
    def short(self) -> str:
        """The norm alone: BN, GN; one that is none of ours as its file spells it."""
        return abbreviation(self.norm) if self.norm in NORMS else self.label or self.norm

    @property
    def norm_name(self) -> str:
        """The norm with its G, where a column beside it says the rest."""
        return Line(self.norm, self.groups, label=self.label).name

    @property
    def rest(self) -> str:
        """What is in brackets behind the norm; empty where nothing is."""
        groups = [] if self.groups is None else [f"G = {self.groups}"]
        return ", ".join(groups + [at(name, value) for name, value in self.more if not _quiet(name, value)])

    @property
    def long_name(self) -> str:
        full = NORM_NAMES.get(self.norm, self.short)
        return f"{full}, {self.rest}" if self.rest else full

    @property
    def order(self) -> tuple[object, ...]:
        """Ours first, as the registry has them, the larger G first, further axes by their values."""
        rank = NORMS.index(self.norm) if self.norm in NORMS else len(NORMS)
        return rank, self.norm, -(self.groups or 0), [sort_key(*pair) for pair in self.more]

    def value(self, name: str) -> Value:
        """Of an axis that tells lines apart. Raises KeyError where `name` is none."""
        return {"norm": self.norm, "groups": self.groups, **dict(self.more)}[name]


def _quiet(name: str, value: Value) -> bool:
    """A switch at its default, or an axis that this norm has none of, goes unsaid."""
    return value is None or (isinstance(value, bool) and (name not in AXES or AXES[name].default == value))


def short_names(lines: Sequence[Line]) -> dict[Line, str]:
    """Names for running text: without what is in brackets where only one line of the norm is there."""
    norms = Counter(line.norm for line in dict.fromkeys(lines))
    return {line: line.short if norms[line.norm] == 1 else line.name for line in lines}


def norm_lines(frame: pd.DataFrame) -> list[Line]:
    """Every norm with its G that a frame has, whatever else tells lines apart."""
    norms, groups = plain_column(frame["norm"]), plain_column(frame["groups"])
    named = labels(norm for norm in norms if norm is not None)
    pairs = dict.fromkeys((n, g) for n, g in zip(norms, groups, strict=True) if n is not None)
    return [Line(norm, g, label=named.get(norm, "")) for norm, g in pairs]


def labels(norms: Iterable[str]) -> dict[str, str]:
    """What to call each norm that is given by an import path: its last name, or where that alone would be two
    norms', all of it but the module, or all of it."""
    names = list(dict.fromkeys(norms))
    short = {
        norm: [name, name + norm.removeprefix(unpinned(norm)), norm]
        for norm in names
        if (name := short_name(norm)) != norm
    }
    taken = Counter(name for own in short.values() for name in own) + Counter(
        norm for norm in names if norm not in short
    )
    return {norm: next((name for name in own if taken[name] == 1), norm) for norm, own in short.items()}
