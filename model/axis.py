"""What the table of axes says of each: what a grid, a command line, a report and an editor call it.

An axis is declared where its field is, as `Annotated[type, Axis(...)]`, and nowhere else: whatever lists
axes (the blocks of a grid and their JSON schema, options, cells, columns, titles) reads the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

from model.errors import InputError
from model.own import is_own, pinned, short_name

if TYPE_CHECKING:  # training needs no pydantic, and a machine that is lent for benchmarks has none
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

#: A value of an axis. None: the trial has none (G of batch norm), or a source does not say.
Value = str | int | float | bool | None
Kind = Literal["text", "int", "float", "bool"]

_KINDS: dict[type, Kind] = {str: "text", int: "int", float: "float", bool: "bool"}

#: The default of an axis whose value a recipe gives, in whatever type the axis has: see `Axis.from_recipe`.
THE_RECIPES: Final[Any] = None


class _Nothing:
    """Marks what is absent where None would be a value."""


NOTHING: Final = _Nothing()


@dataclass(frozen=True)
class WholeNumber:
    """Beside `int` in an annotation: what pydantic takes for one. true and false are none."""

    least: int
    below: int = 2**31  # beyond it lies no study but a slip of the keyboard

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        above, first = (self.least - 1, None) if self.least > 0 else (None, self.least)
        schema = core_schema.int_schema(gt=above, ge=first, lt=self.below)
        return core_schema.no_info_before_validator_function(_no_bool, schema)


@dataclass(frozen=True)
class RealNumber:
    """Beside `float` in an annotation: finite, from `least` (where `above`, beyond it) to `most`."""

    least: float = 0.0
    most: float = 1e9
    above: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        above, first = (self.least, None) if self.above else (None, self.least)
        schema: CoreSchema = core_schema.float_schema(gt=above, ge=first, le=self.most, allow_inf_nan=False)
        # -0.0 is 0.0 to Python, and another text in an identity
        schema = core_schema.no_info_after_validator_function(lambda value: value + 0.0, schema)
        return core_schema.no_info_before_validator_function(_no_bool, schema)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true/false is not a number")
    return value


@dataclass(frozen=True)
class Option:
    """How the command line gives an axis instead of the grid's own values.

    `flag`: where empty, --name-of-the-axis. `metavar`: where empty, made from the type. `many`: takes
    several values with commas between.
    """

    flag: str = ""
    metavar: str = ""
    many: bool = True


@dataclass(frozen=True)
class Axis:
    """One field of a trial's identity, for people.

    `label`: heads a column. `help`: what a value is, in half a sentence. `unit`: what it counts.
    `choices`: all values of a text. `per_replica`: whether replicas of one network may differ in it, as they
    do in the seed.
    `background`: seldom varied within a sweep, so short names and tables of trials leave it out.
    `title`, `short`: templates of a value in a figure's title and in a cell's name. `quiet`: a title does
    not mention the default. `option`: its own beside --set, which takes every axis; None where it has none.

    `own`: beside the choices, an import path of the user's own is a value (`model.own`). `meant`: what to
    write instead of a path that was given as a value; empty where a text is none.

    `before`: of an axis that was added when results existed already, the value that all of them had. Ids
    leave the axis out where it has that value, and a source that does not say means it. `from_recipe`: that
    value, and the default, is the recipe's field of the same name. `from_norm`: the norm's.

    `spoken`: a text in words, where a template cannot say it. `of_line`: wherever it differs it is part of
    what a line of a figure is, as a norm's G is.

    The rest is read off the field by `axes_of`.
    """

    label: str
    help: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    per_replica: bool = False
    background: bool = False
    title: str = ""
    short: str = ""
    quiet: bool = True
    option: Option | None = None
    own: bool = False
    meant: Callable[[str], str] | None = None
    before: Value | _Nothing = NOTHING
    from_recipe: bool = False
    from_norm: bool = False
    spoken: Callable[[object], str] | None = None
    of_line: bool = False

    name: str = ""
    item: Any = str
    kind: Kind = "text"
    optional: bool = False
    default: object = NOTHING

    @property
    def added(self) -> bool:
        """Whether there are results that were made before this axis was."""
        return self.from_recipe or self.from_norm or self.before is not NOTHING

    @property
    def unsaid(self) -> Value:
        """What a source means that does not say; None where that is not known, or is the recipe's."""
        return None if isinstance(self.before, _Nothing) else self.before

    @property
    def least(self) -> int | float | None:
        """The smallest number that it may be; None where nothing is said."""
        said = getattr(self.item, "__metadata__", ())
        return next((part.least for part in said if isinstance(part, WholeNumber | RealNumber)), None)

    @property
    def values(self) -> str:
        """What it may be, in a few words: of a, b; a whole number from 1."""
        if self.choices:
            return ", ".join([*self.choices, *(["module:Name"] if self.own else [])])
        least = "" if self.least is None else f" from {self.least:g}"
        kinds = {"text": "text", "int": f"whole{least}", "float": f"number{least}", "bool": "true, false"}
        return kinds[self.kind]

    @property
    def required(self) -> bool:
        return self.default is NOTHING

    def in_title(self, value: Value, usual: object = NOTHING) -> str | None:
        """A value in words, for a figure's title; None where the title does not mention it.

        `usual`: the value that goes without saying, where that is not the axis's own default.
        """
        if value is None or (self.quiet and value == (self.default if usual is NOTHING else usual)):
            return None
        words = self._words(self.title, value)
        return words.removesuffix("s") if value == 1 and self.kind == "int" else words

    def in_name(self, value: Value) -> str:
        """A value in a word or two, for a cell's name; whatever it is: it may be from a stranger's file."""
        try:
            return self._words(self.short or self.title, value)
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return f"{self.label} {value}"

    def _words(self, template: str, value: Value) -> str:
        if self.spoken is not None:
            return self.spoken(value)
        if self.kind == "bool":
            words = template or f"{self.label[:1].lower()}{self.label[1:]}"
            return words if value else f"no {words}"
        if isinstance(value, str) and self.own:
            value = short_name(value)
        return (template or self._template).format(value)

    @property
    def _template(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.label[:1].lower()}{self.label[1:]} {{}}{unit}"

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Pydantic checks the choices wherever the annotated type is used."""
        from pydantic_core import core_schema

        schema = handler(source)
        if not self.choices:
            return schema
        return core_schema.no_info_after_validator_function(self._chosen, schema)

    def _chosen(self, value: str) -> str:
        if self.own and is_own(value):
            try:
                return pinned(value)
            except InputError as error:
                raise ValueError(str(error)) from None
        if value not in self.choices:
            if self.meant is not None and (meant := self.meant(value)):
                raise ValueError(f"{value!r} is a path and no name: write {meant}")
            hint = "; or an import path of your own, module:Name" if self.own else ""
            raise ValueError(f"{value!r} is none of {', '.join(self.choices)}{hint}")
        return value


def axes_of(table: type) -> Mapping[str, Axis]:
    """Name -> axis of every field of the dataclass `table`, in order. Raises TypeError where one is none."""
    hints = get_type_hints(table, include_extras=True)
    axes: dict[str, Axis] = {}
    for field in fields(table):
        hint = hints[field.name]
        axis = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Axis)), None)
        if axis is None:
            raise TypeError(f"{table.__name__}.{field.name} is no axis: write Annotated[type, Axis(...)]")
        inner, optional = _without_none(hint.__origin__)
        rest = tuple(part for part in hint.__metadata__ if part is not axis)
        kind = _KINDS[get_args(inner)[0] if get_origin(inner) is Annotated else inner]
        axes[field.name] = replace(
            axis,
            name=field.name,
            item=Annotated[(inner, *rest, axis)],
            kind=kind,
            optional=optional,
            default=NOTHING if field.default is MISSING else field.default,
        )
    return axes


def _without_none(hint: Any) -> tuple[Any, bool]:
    """A type without its `| None`, and whether it had one."""
    parts = [part for part in get_args(hint) if part is not NoneType]
    return (parts[0], True) if NoneType in get_args(hint) else (hint, False)
