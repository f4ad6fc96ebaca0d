"""A trial and its identity: when are two trials the same?

Two trials are the same when training them could only give the same numbers. So the identity is every
field that changes the numbers, *after* validation (32, 32.0 and "32" are one batch size), and nothing
else: no path, device, worker count, pack size or name of a sweep. All fields are written out, never
differences to defaults: a default changed later would silently alias old results.

A field added later must leave the ids of old trials alone: list it in `_ADDED` with the value that
old trials had, and it is left out of the canonical form wherever it has that value.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from model.recipe import RECIPES
from model.spec import DATASETS, MODELS, NORMS, SHORTCUTS, WIDTHS, Spec

#: Raised when training itself changes meaning, so that old and new results are never mixed.
PROTOCOL = 1

_ADDED: dict[str, Any] = {}


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true/false is not a number")
    return value


_LIMIT = 2**31  # beyond it lies no study but a slip of the keyboard
Positive = Annotated[int, BeforeValidator(_no_bool), Field(gt=0, lt=_LIMIT)]
NotNegative = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, lt=_LIMIT)]


def _one_of(allowed: Iterable[str]) -> AfterValidator:
    """Checked against the list that the model keeps, so that a new norm or recipe is named in one place."""
    names = tuple(allowed)

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"{value!r} is none of {', '.join(names)}")
        return value

    return AfterValidator(check)


Dataset = Annotated[str, _one_of(DATASETS)]
Model = Annotated[str, _one_of(MODELS)]
Shortcut = Annotated[str, _one_of(SHORTCUTS)]
Norm = Annotated[str, _one_of(NORMS)]
RecipeName = Annotated[str, _one_of(RECIPES)]

ALLOWED_GROUPS = tuple(g for g in range(1, WIDTHS[0] + 1) if all(width % g == 0 for width in WIDTHS))


class Trial(BaseModel):
    """One network, data set, norm, batch size, G and seed. Frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Dataset
    model: Model = "resnet20"
    shortcut: Shortcut = "projection"
    norm: Norm
    groups: Positive | None = None
    batch_size: Positive
    recipe: RecipeName = "wu2018"
    epochs: Positive | None = None
    iterations: Positive | None = None
    holdout: NotNegative = 0
    seed: NotNegative

    @model_validator(mode="before")
    @classmethod
    def _length_from_recipe(cls, values: Any) -> Any:
        """Without a length of its own, a trial is as long as its recipe's paper says."""
        if isinstance(values, dict) and values.get("epochs") is None and values.get("iterations") is None:
            recipe = RECIPES.get(values.get("recipe", "wu2018"))
            if recipe is not None:
                values = {**values, "epochs": recipe.epochs, "iterations": recipe.iterations}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.epochs is not None and self.iterations is not None:
            raise ValueError("give epochs or iterations, not both")
        if self.norm == "gn" and self.groups is None:
            raise ValueError(f"norm gn needs groups, one of {_words(ALLOWED_GROUPS)}")
        if self.norm != "gn" and self.groups is not None:
            raise ValueError(f"groups is for norm gn alone, not {self.norm}")
        if self.groups is not None and self.groups not in ALLOWED_GROUPS:
            raise ValueError(
                f"groups = {self.groups} does not divide the channels {_words(WIDTHS)}; "
                f"allowed: {_words(ALLOWED_GROUPS)}"
            )
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """The validated identity as plain JSON values, with the protocol version."""
        fields = {"protocol": PROTOCOL, **self.model_dump(mode="json")}
        return {k: v for k, v in fields.items() if k not in _ADDED or v != _ADDED[k]}

    @cached_property
    def trial_id(self) -> str:
        """A readable slug and 12 hex digits of the identity's SHA-256; safe as a file name."""
        canonical = json.dumps(self.identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:12]
        return f"{self.dataset}-{self.model}-{self.norm_slug}-b{self.batch_size}-s{self.seed}-{digest}"

    @property
    def norm_slug(self) -> str:
        return f"{self.norm}{self.groups}" if self.groups else self.norm

    @cached_property
    def spec(self) -> Spec:
        """The cell: this trial without its seed."""
        return Spec(**self.model_dump(exclude={"seed"}))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Validated, and with an id of its own: pydantic's would keep the cached one."""
        return type(self)(**{**self.model_dump(), **(update or {})})

    @classmethod
    def from_identity(cls, identity: dict[str, Any]) -> Self:
        """The trial of a stored identity. Raises ValueError where the protocol is another."""
        fields = dict(identity)
        protocol = fields.pop("protocol", None)
        if protocol != PROTOCOL:
            raise ValueError(f"protocol {protocol!r}, this version trains protocol {PROTOCOL}")
        return cls(**{**_ADDED, **fields})


def _words(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))
