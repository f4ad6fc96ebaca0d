"""A grid: what a sweep declares, as a union of product blocks.

A union, because real studies are not one product: batch norm has no G, so BN × G would train the same
network three times under three names. Each block is the product of its own lists; a trial that two
blocks declare is one trial.

A grid says *what* is trained. How (workers, devices, packs) is no part of it.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from model.architectures import groups_in_words, problem
from model.axis import Axis, Value
from model.norm_table import GROUPED, NORM_AXES, ghost_problem, takers, takes
from model.spec import AXES, NotNegative
from orchestrator.grid.analysis import Analysis
from orchestrator.grid.limits import MOST_SEEDS
from orchestrator.grid.searches import Declared, Search, by_cell, declared
from orchestrator.grid.start import KEY as START
from orchestrator.grid.start import said_text
from orchestrator.grid.trial import Trial
from orchestrator.grid.tune import HOLDOUT, KEY, Tune, read_tune

#: A product turns these over in this order, the outermost first; the other axes follow in the table's.
_OUTERMOST = ("dataset", "model", "shortcut", "recipe", "norm", "batch_size", "groups")


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _as_seeds(value: Any) -> Any:
    """A count n means the seeds 1 to n."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, bool) or not str(value).isdecimal() or int(value) == 0:
        raise ValueError("expected a count above zero, or a list of seeds")
    if int(value) > MOST_SEEDS:
        raise ValueError(f"a count of {value}; for the one seed {value} write a list, [{value}]")
    return list(range(1, int(value) + 1))


def _as_tune(value: Any) -> Any:
    return None if value is None else read_tune(value)


class _Block(BaseModel):
    """The product of its lists. A scalar is a list of one; `seeds` may be a count; `from` says the axis
    `start`, as a mapping; `tune` has the values that its cells choose from."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        arbitrary_types_allowed=True,
        defer_build=True,  # a grid builds it as its part
    )

    #: In a file a mapping of axes that go together (`orchestrator.grid.zipped`); here the names of those
    #: whose values must not be multiplied any more.
    zip: tuple[str, ...] = ()
    tune: Annotated[Tune | None, BeforeValidator(_as_tune)] = None

    def values(self, name: str) -> tuple[Any, ...] | None:
        """The list of an axis (or of `seeds`); None where the block says nothing of it."""
        values: tuple[Any, ...] | None = getattr(self, name)
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in (*AXES, "seeds"):
            if repeated := [v for v, n in Counter(self.values(name) or ()).items() if n > 1]:
                key = START if name == "start" else name
                raise ValueError(f"{key}: given twice: {', '.join(map(str, repeated))}")
        norms, groups = self.values("norm") or (), self.values("groups")
        grouped = [norm for norm in norms if norm in GROUPED]
        if grouped and groups is None:
            allowed = groups_in_words(str((self.values("model") or ("",))[0]))
            raise ValueError(f"groups: norm {grouped[0]} needs it; allowed: {allowed}")
        for name in NORM_AXES:
            said = [value for value in self.values(name) or () if value is not None]
            if said and not any(takes(norm, name) for norm in norms):
                raise ValueError(f"{name}: is for the norms {takers(name)}; take it out of this block")
        for sizes in self._product("batch_size", "norm_batch"):
            if why := ghost_problem(**sizes):
                raise ValueError(f"norm_batch: {why}")
        for network in self._product("model", "norm", "groups", "width", "shortcut"):
            if not takes(network["norm"], "groups"):
                network["groups"] = None
            if wrong := problem(**network):
                raise ValueError(f"{wrong.axis}: {wrong.text}")
        if self.values("epochs") is not None and self.values("iterations") is not None:
            raise ValueError("epochs: give epochs or iterations, not both")
        self._check_tune()
        if self.values("start") is not None or self.tune is not None:
            self._check_trials()
        return self

    def _check_tune(self) -> None:
        if (tune := self.tune) is None:
            return
        if both := [name for name in tune.names if name in self.model_fields_set]:
            raise ValueError(f"{both[0]}: {KEY} searches it, so take it out of the block, or out of {KEY}")
        held = self.values(HOLDOUT) or ()
        if len(held) != 1 or not held[0]:
            raise ValueError(
                f"{HOLDOUT}: {KEY} needs one number above zero, of the training images that the search is "
                "judged on; the trials that follow are trained on them too"
            )
        if shared := set(tune.seeds) & set(self.values("seeds") or ()):
            raise ValueError(
                f"seeds: {min(shared)} is a seed of the search too, which would make what it chose look "
                "better than it is; give others"
            )
        if self.values("start") is not None:
            raise ValueError(
                f"{START}: {KEY} searches for trials that start afresh; write the values to try into a block "
                f"without {KEY}"
            )

    def _check_trials(self) -> None:
        """What only a trial as a whole can tell, as what a parent may be."""
        try:
            for _ in (*self.trials(), *self.searches()):
                pass
        except ValidationError as error:
            message = error.errors(include_url=False)[0]["msg"]
            raise ValueError(message.removeprefix("Value error, ")) from None

    def _product(self, *names: str) -> Iterator[dict[str, Any]]:
        """The values of some axes, in all their combinations."""
        for values in itertools.product(*(self.values(name) or (None,) for name in names)):
            yield dict(zip(names, values, strict=True))

    def trials(self) -> Iterator[Trial]:
        """The product, seeds innermost, so that a cell's trials stand together; none where they are known
        after a search alone."""
        return self._trials({}) if self.tune is None else iter(())

    def searches(self) -> Iterator[Search]:
        """One for each cell; none where nothing is searched."""
        if (tune := self.tune) is not None:
            yield from by_cell(
                [
                    (
                        values,
                        self._trials({**_lists_of(values), "seeds": tune.seeds}),
                        self._trials({**_lists_of(values), HOLDOUT: (0,)}),
                    )
                    for values in tune.combinations()
                ]
            )

    def _trials(self, instead: Mapping[str, tuple[Any, ...]]) -> Iterator[Trial]:
        """The product, with the lists of `instead` in the place of its own."""
        names = [*_OUTERMOST, *(name for name in AXES if name not in _OUTERMOST), "seeds"]
        lists = [instead.get(name) or self.values(name) or (None,) for name in names]
        first = {name: (self.values(name) or (None,))[0] for name in NORM_AXES}
        for values in itertools.product(*lists):
            fields: dict[str, Value] = dict(zip(names, values, strict=True))
            lacking = [name for name in NORM_AXES if not takes(str(fields["norm"]), name)]
            if any(fields[name] != first[name] for name in lacking):
                continue  # a norm without G, say, takes part once
            fields.update(dict.fromkeys(lacking))
            seed = fields.pop("seeds")
            said = {k: v for k, v in fields.items() if v is not None or not AXES[k].from_recipe}
            yield Trial(**said, seed=seed)  # type: ignore[arg-type]  # checked as it is made


def _lists_of(values: Mapping[str, Value]) -> dict[str, tuple[Any, ...]]:
    return {name: (value,) for name, value in values.items()}


def _as_starts(value: Any) -> Any:
    return [said_text(one) for one in _as_list(value)]


def _start_field() -> tuple[Any, Any]:
    """The axis `start`, which a block says under another key and as mappings."""
    texts = Annotated[tuple[str, ...], BeforeValidator(_as_starts), Field(min_length=1)]
    return texts | None, Field(default=None, validation_alias=START)


def _field(axis: Axis) -> tuple[Any, Any]:
    """The type and the default of an axis in a block."""
    if axis.name == "start":
        return _start_field()
    values: Any = Annotated[
        tuple[axis.item, ...],  # type: ignore[name-defined]  # read off the table at run time
        BeforeValidator(_as_list),
        Field(min_length=1),
    ]
    if axis.optional or axis.from_recipe:
        return values | None, None if axis.from_recipe else axis.default
    return values, ... if axis.required else (axis.default,)


_Seeds = Annotated[tuple[NotNegative, ...], BeforeValidator(_as_seeds), Field(min_length=1)]

if TYPE_CHECKING:
    Block = _Block
else:  # a list for every axis of the table, and the seeds
    Block = create_model(
        "Block",
        __base__=_Block,
        __module__=__name__,
        **{name: _field(axis) for name, axis in AXES.items()},
        seeds=(_Seeds, ...),
    )


class Grid(BaseModel):
    """A named union of blocks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[\w][\w .-]*$", max_length=80)]
    description: str = ""
    analysis: Analysis | None = None
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]

    @property
    def declared(self) -> Declared:
        """What it declares, in order, each once. Raises InputError where two blocks search for one cell."""
        return declared(
            (trial for block in self.blocks for trial in block.trials()),
            (search for block in self.blocks for search in block.searches()),
        )

    def trials(self) -> list[Trial]:
        """Every trial once, in the order declared; before them those that they start from and no block
        declares; of a search those that search, and as many as follow."""
        return self.declared.foreseen
