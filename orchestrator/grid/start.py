"""The parent of a trial: which trial it starts from, and which trials may.

What `from` does not say is the child's own, the seed too: seed k starts from the parent's seed k. Of what a
norm, a recipe, an optimiser or a way of clipping gives by itself the parent has its own: batch norm its ε and
not filter response norm's, stochastic gradient descent its recipe's learning rate and not AdamW's.
It is an ordinary trial that knows nothing of its children, so that all of them share it.
"""

from collections.abc import Mapping

from pydantic import ValidationError

from model.axis import Value
from model.norm_table import NORM_AXES, takes
from model.optimizer_table import OPTIMIZERS
from model.own import is_own
from model.recipe import RECIPES
from model.spec import AXES, Spec, default_of
from model.start import NO_VALUE, depth, joined, split
from orchestrator.grid.value import checked

#: Of a grid's block.
KEY = "from"
#: Ancestors of a trial.
_MOST = 10
_ALWAYS = ("norm", "groups", "batch_size")
_LENGTHS = ("epochs", "iterations")
#: What the weights themselves depend on.
_SAME = ("model", "width", "shortcut")


def said_text(said: object) -> str:
    """What a block says under `from`, a mapping or such a text already, each value checked by itself.

    Raises ValueError.
    """
    if isinstance(said, str):
        if depth(said) > _MOST:
            raise ValueError(f"more than {_MOST} trials one from another")
        first, rest = split(said)
        checked = {name: _typed(name, value) for name, value in first.items()}
        return _text(checked, said_text(rest) if rest else None)
    if not isinstance(said, Mapping) or not said:
        raise ValueError("expected a mapping of axes, such as {norm: bn, batch_size: 32}")
    above = said.get(KEY)
    values = {str(name): _typed(str(name), value) for name, value in said.items() if name != KEY}
    return _text(values, None if above is None else said_text(above))


def parent_values(child: Mapping[str, Value], text: str) -> dict[str, Value]:
    """What a trial with the values `child` starts from: axis -> value, those left out that follow from the
    norm or the recipe. Raises ValueError."""
    first, rest = split(text)
    said = {name: _typed(name, value) for name, value in first.items()}
    values = {**_base(child, said), **said}
    for one, other in (_LENGTHS, _LENGTHS[::-1]):
        if said.get(one) is not None and other not in said:
            values[other] = None
    values["start"] = rest or None
    return values


def canonical(child: Spec, parent: Spec) -> str:
    """The one text by which `child` names `parent`."""
    values = {name: getattr(parent, name) for name in AXES}
    base = _base(vars(child), values)
    said: dict[str, Value] = {}
    for name, value in values.items():
        usual = base.get(name)
        if usual is None:
            usual = default_of(name, values)
        length = name in _LENGTHS and value is None
        if name == "start" or length or (value is None and name in _ALWAYS):
            continue
        if name in _ALWAYS or value != usual:
            said[name] = value
    return _text(said, parent.start)


def misfit(child: Spec, parent: Spec) -> str | None:
    """Why `child` cannot start from `parent`, or from what that started from, as far as that is known
    without building either."""
    for name in _SAME:
        here, there = getattr(child, name), getattr(parent, name)
        if here != there:
            return (
                f"{name} {there} there and {here} here; weights are taken over between networks of one "
                f"{', '.join(_SAME)}"
            )
    if child.dataset == parent.dataset and child.holdout not in (0, parent.holdout):
        # Of a larger hold-out a smaller one need not be a part: what does not divide goes to other classes.
        return (
            f"it holds out {parent.holdout} images and the block {child.holdout}, so it may have trained "
            "on images that the block is judged on; hold out as many"
        )
    return None


def _base(child: Mapping[str, Value], said: Mapping[str, Value]) -> dict[str, Value]:
    """What the parent has where `from` says nothing: the child's own values, but what the norm, the recipe,
    the optimiser or the clipping of either gives, or what the parent's has not."""
    values: dict[str, Value] = {name: child[name] for name in AXES if name != "start"}
    norm = str(said.get("norm", child["norm"]))
    recipe = str(said.get("recipe", child["recipe"]))
    if norm != child["norm"]:
        for name in NORM_AXES:
            # an own norm is asked nothing: its file may be elsewhere
            if (
                is_own(norm)
                or not takes(norm, name)
                or (AXES[name].from_norm and values[name] == default_of(name, child))
            ):
                values[name] = None
    if recipe != child["recipe"]:
        for name, axis in AXES.items():
            if axis.from_recipe and values[name] == default_of(name, child):
                values[name] = None
        own = RECIPES[str(child["recipe"])]
        if (values["epochs"], values["iterations"]) == (own.epochs, own.iterations):
            values |= dict.fromkeys(_LENGTHS)
    if (optimizer := str(said.get("optimizer", child["optimizer"]))) != child["optimizer"]:
        # A rate of one says nothing of another's, even where it is said.
        here, there = OPTIMIZERS[str(child["optimizer"])], OPTIMIZERS[optimizer]
        of_its_own = [name for name in ("lr", "weight_decay") if getattr(here, name) != getattr(there, name)]
        values |= dict.fromkeys(of_its_own)
    if said.get("grad_clip", child["grad_clip"]) != child["grad_clip"]:
        values["clip_at"] = None
    return values


def _text(said: Mapping[str, Value], rest: str | None) -> str:
    """In the order of the table."""
    return joined({name: _written(said[name]) for name in AXES if name in said}, rest)


def _written(value: Value) -> str:
    if value is None:
        return NO_VALUE
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(name: str, value: object) -> Value:
    """A value as its axis has it. Raises ValueError."""
    if name in {"seed", "seeds"}:
        raise ValueError(f"{name}: a seed starts from the parent's own of that number; leave it out")
    if name in {"start", KEY} or name not in AXES:
        raise ValueError(f"{name} is no axis of a trial; --list-axes shows them all")
    axis = AXES[name]
    if axis.optional and axis.kind != "text" and value in (None, NO_VALUE):
        return None
    if isinstance(value, (list, tuple, Mapping)):
        raise ValueError(f"{name}: expected one value; write a block for each parent")
    try:
        return checked(name, value)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        got = "" if repr(value) in message else f", got {value!r}"
        raise ValueError(f"{name}: {message[0].lower()}{message[1:]}{got}") from None
