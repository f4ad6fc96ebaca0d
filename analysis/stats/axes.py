"""An axis as the report speaks of it, whether it is one of ours or a column of somebody's CSV. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from model.axis import Axis, Value
from model.spec import AXES

#: What a trial that starts from no other is called beside those that do.
FROM_SCRATCH = "from scratch"


def axis_named(name: str) -> Axis:
    """Ours, or one that is called as its column is."""
    return AXES[name] if name in AXES else Axis(name.replace("_", " "), name=name)


def word(name: str) -> str:
    """“batch size”, “weight decay”: the axis within a sentence. G and abbreviations keep their capitals."""
    label = axis_named(name).label
    lower = len(label) > 1 and label[1:2].islower()
    return label[:1].lower() + label[1:] if lower else label


def plural(name: str) -> str:
    """“batch sizes”, “epochs”."""
    return word(name) if word(name).endswith("s") else f"{word(name)}s"


def value_text(value: Value) -> str:
    """A value by itself: 32, 0.0001, cosine, yes; a dash for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def in_column(name: str, value: Value) -> str:
    """The same under the name of its axis: a text that is not for people in words."""
    return value_text(value) if name not in AXES or AXES[name].spoken is None else at(name, value)


def at(name: str, value: Value) -> str:
    """“batch size 2”, “learning rate 0.1”, “no label smoothing”, “zero gamma”, “from BN at batch 32”."""
    if name in AXES and (spoken := AXES[name].spoken) is not None:
        return FROM_SCRATCH if value is None else spoken(value)
    if value is None or value is False:
        return f"no {word(name)}"
    if name == "groups":
        return f"G = {value_text(value)}"
    return word(name) if value is True else f"{word(name)} {value_text(value)}"


def sort_key(name: str, value: Value) -> tuple[bool, bool, float, int, str]:
    """Sorts the values of an axis as the page lists them: batch sizes fall, other numbers rise, texts as the
    table of axes has them, and a missing one comes last; but a trial from scratch comes first."""
    choices = axis_named(name).choices
    text = isinstance(value, str)
    number = 0.0 if value is None or isinstance(value, str) else float(value)
    place = choices.index(str(value)) if text and value in choices else len(choices)
    return (
        (value is None) != (name == "start"),
        text,
        -number if name == "batch_size" else number,
        place,
        str(value) if text else "",
    )


def tells_apart(name: str, values: Iterable[tuple[Value, Value]]) -> bool:
    """Whether an axis differs within the results. `values`: (source, value). A source that says nothing of an
    axis does not differ in it from one that does, unless the axis is one of the background."""
    pairs = set(values)
    if name == "source" or axis_named(name).background:
        return len({value for _, value in pairs}) > 1
    several = len({value for _, value in pairs if value is not None}) > 1
    return several or len({source for source, _ in pairs}) < len(pairs)


class XAxis(NamedTuple):
    """What a figure's lines run over. `numeric`: whether its values have an order, so that an error may rise
    from one end to the other."""

    name: str = "batch_size"
    numeric: bool = True

    @property
    def word(self) -> str:
        return word(self.name)

    @property
    def plural(self) -> str:
        return plural(self.name)

    @property
    def one(self) -> str:
        """“a batch size”, “an optimizer”."""
        return f"{'an' if self.word[:1].lower() in 'aeiou' else 'a'} {self.word}"

    @property
    def label(self) -> str:
        """Heads a column."""
        return axis_named(self.name).label

    @property
    def title(self) -> str:
        """Stands along a figure's axis, with the unit: Batch size (images)."""
        unit = axis_named(self.name).unit
        return f"{self.label} ({unit})" if unit else self.label

    @property
    def falls(self) -> bool:
        """Whether it runs from large to small: batch sizes do, as in Wu & He's Figure 1."""
        return self.name == "batch_size"

    def text(self, value: Value) -> str:
        return value_text(value)

    def at(self, value: Value) -> str:
        """“batch size 2”."""
        return at(self.name, value)

    def span(self, first: Value, last: Value) -> str:
        """“batch size 32 to 2”."""
        return f"{self.word} {self.text(first)} to {self.text(last)}"

    @property
    def ends(self) -> str:
        """“from the largest to the smallest batch size”: along the whole axis."""
        first, last = ("largest", "smallest") if self.falls else ("smallest", "largest")
        return f"from the {first} to the {last} {self.word}"

    @property
    def beginning(self) -> str:
        """“the largest batch size”."""
        return f"the {'largest' if self.falls else 'smallest'} {self.word}"

    def key(self, value: Value) -> tuple[bool, bool, float, int, str]:
        """Sorts values from the axis's beginning to its end."""
        return sort_key(self.name, value)

    def ordered(self, values: Iterable[Value]) -> list[Value]:
        """The distinct values from the axis's beginning to its end."""
        return sorted(set(values), key=self.key)


#: The axis of Figure 1.
BATCH_SIZE = XAxis()
