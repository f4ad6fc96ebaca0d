"""A trial and its identity: when are two trials the same?

Two trials are the same when training them could only give the same numbers. So the identity is every
field that changes the numbers, *after* validation (32, 32.0 and "32" are one batch size), and nothing
else: no path, device, worker count, pack size or name of a sweep. All fields are written out, never
differences to defaults: a default changed later would silently alias old results.

The fields are the axes of `model.spec.Spec`, each declared there once, and the seed. An axis added
later must leave the ids of old trials alone: it says in `Axis.before` which value they had, and is left
out of the canonical form wherever it has that value.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import ConfigDict, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from model.architectures import groups_in_words, idle, problem
from model.axis import Axis, Value
from model.norm_table import GROUPED, NORM_AXES, NORM_TABLE, ghost_problem, takers, takes
from model.own import is_own, short_name
from model.recipe import RECIPES
from model.spec import AXES, NotNegative, Spec, default_of, unsaid_of
from orchestrator.grid import start

#: Raised when training itself changes meaning, so that old and new results are never mixed.
PROTOCOL = 1

#: Key of an identity: the id of the trial that this one starts from.
PARENT = "parent"

_ADDED = tuple(name for name, axis in AXES.items() if axis.added)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Trial(Spec):
    """One network, data set, norm, batch size, G and seed. Frozen and validated."""

    seed: Annotated[NotNegative, Axis("Seed", help="of everything random", per_replica=True)]

    @model_validator(mode="before")
    @classmethod
    def _length_from_recipe(cls, given: ArgsKwargs) -> ArgsKwargs:
        """Without a length of its own, a trial is as long as its recipe's paper says."""
        values = given.kwargs or {}
        if values.get("epochs") is None and values.get("iterations") is None:
            recipe = RECIPES.get(values.get("recipe", AXES["recipe"].default))
            if recipe is not None:
                values = {**values, "epochs": recipe.epochs, "iterations": recipe.iterations}
        return ArgsKwargs(given.args, values)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.epochs is not None and self.iterations is not None:
            raise ValueError("give epochs or iterations, not both")
        self._check_norm()
        if self.warmup_epochs >= (self.epochs or self.warmup_epochs + 1):
            raise ValueError(
                f"warmup_epochs: {self.warmup_epochs} of {self.epochs} epochs leave nothing after"
            )
        self._check_update()
        wrong = problem(
            self.model, norm=self.norm, groups=self.groups, width=self.width, shortcut=self.shortcut
        ) or idle(
            self.model,
            {
                "shortcut": self.shortcut != "projection",
                "weight_standardization": self.weight_standardization,
                "zero_gamma": self.zero_gamma != default_of("zero_gamma", vars(self)),
            },
        )
        if wrong:
            raise ValueError(f"{wrong.axis}: {wrong.text}")
        if self.start is not None:
            self._start_from(self.start)
        return self

    def _check_update(self) -> None:
        """The axes of the optimiser that would say nothing, or nothing sensible, beside one another."""
        if self.optimizer == "sgd-nesterov" and not self.momentum:
            raise ValueError("momentum: Nesterov's needs one above 0")
        if self.optimizer == "adamw" and self.momentum == 1:
            raise ValueError("momentum: it is β1 of adamw, which needs one below 1")
        if not self.decay_norm and not self.weight_decay:
            raise ValueError("decay_norm: false changes nothing where weight_decay is 0; leave it out there")
        if self.grad_clip == "none" and self.clip_at is not None:
            raise ValueError(
                "clip_at: nothing is clipped where grad_clip is none; give it beside grad_clip norm or agc, "
                "in a block of their own"
            )

    def _start_from(self, text: str) -> None:
        """Hold the parent to what it may be, and name it as every child would."""
        try:
            parent = self._parent(start.said_text(text))
        except ValidationError as error:
            message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"from: {message}") from None
        except ValueError as error:
            raise ValueError(f"from: {error}") from None
        ancestor: Trial | None = parent
        while ancestor is not None:
            if wrong := start.misfit(self, ancestor):
                raise ValueError(f"from: {wrong}")
            ancestor = ancestor.parent
        object.__setattr__(self, "start", start.canonical(self, parent))

    def _parent(self, text: str) -> Self:
        values: dict[str, Any] = start.parent_values(vars(self), text)
        said = {k: v for k, v in values.items() if v is not None or not AXES[k].from_recipe}
        return type(self)(**said, seed=self.seed)

    @cached_property
    def parent(self) -> Self | None:
        """The trial whose final weights it starts from; None of one that starts from scratch."""
        return None if self.start is None else self._parent(self.start)

    @property
    def parent_id(self) -> str | None:
        return None if self.parent is None else self.parent.trial_id

    def _check_norm(self) -> None:
        """The axes that not every norm has. An own norm is asked nothing: its file may be elsewhere."""
        if self.norm in GROUPED and self.groups is None:
            raise ValueError(f"norm {self.norm} needs groups, of {groups_in_words(self.model, self.width)}")
        for name in NORM_AXES:
            if getattr(self, name) is None or (is_own(self.norm) and name == "groups"):
                continue
            if is_own(self.norm) or not takes(self.norm, name):
                raise ValueError(f"{name} is for the norms {takers(name)}, not {short_name(self.norm)}")
        if why := ghost_problem(self.batch_size, self.norm_batch):
            raise ValueError(f"norm_batch: {why}")
        known = NORM_TABLE.get(self.norm)
        if known and not known.scales and self.weight_standardization:
            raise ValueError(
                f"weight_standardization: with norm {self.norm} nothing scales what standardised weights give"
            )
        if known and not known.gamma and self.zero_gamma != default_of("zero_gamma", vars(self)):
            raise ValueError(f"zero_gamma: norm {self.norm} has no γ; leave it out")

    @property
    def identity(self) -> dict[str, Any]:
        """The validated identity as plain JSON values, with the protocol version and the parent's id."""
        values = _values(self)
        above = {} if self.parent is None else {PARENT: self.parent.trial_id}
        said = {k: v for k, v in values.items() if k not in _ADDED or v != unsaid_of(k, values)}
        return {"protocol": PROTOCOL, **said, **above}

    @cached_property
    def trial_id(self) -> str:
        """A readable slug and 12 hex digits of the identity's SHA-256; safe as a file name."""
        names = "-".join([_slug(self.dataset), _slug(self.model), self.norm_slug])
        slug = f"{names}-b{self.batch_size}-s{self.seed}"
        return f"{slug}-{digest(self.identity)}"

    @property
    def norm_slug(self) -> str:
        norm = _slug(self.norm)
        return f"{norm}{self.groups}" if self.groups else norm

    @cached_property
    def spec(self) -> Spec:
        """The cell: this trial without its seed."""
        return Spec(**{name: getattr(self, name) for name in AXES})

    @cached_property
    def shared(self) -> Spec:
        """What it has in common with all that may train beside it as replicas of one network."""
        return self.spec.shared

    @classmethod
    def from_identity(cls, identity: Mapping[str, Any]) -> Self:
        """The trial of a stored identity. Raises ValueError where the protocol is another."""
        stored = dict(identity)
        protocol = stored.pop("protocol", None)
        stored.pop(PARENT, None)  # it follows from the rest
        if protocol != PROTOCOL:
            raise ValueError(f"protocol {protocol!r}, this version trains protocol {PROTOCOL}")
        before = {name: unsaid_of(name, stored) for name in _ADDED if not AXES[name].from_recipe}
        return cls(**{**before, **stored})


def digest(identity: Mapping[str, Any]) -> str:
    """The 12 hex digits that end a trial's id."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _values(trial: Trial) -> dict[str, Value]:
    return {field.name: getattr(trial, field.name) for field in fields(trial)}


def _slug(value: str) -> str:
    """Of a name or an import path what is safe in a file name on any system: lower case, and not too long."""
    return re.sub(r"[^a-z0-9]+", "-", short_name(value).lower()).strip("-")[:24]
