"""The JSON schema of a grid file, so that an editor completes its keys and underlines a mistake.

    python -m orchestrator.grid.schema > orchestrator/grid/grid.schema.json

Made from the table of axes; the file that ships is for editors, and a test holds the two together. It
says no more than JSON schema can: that two blocks declare one trial is told by `orchestrator.grid.parse`.
"""

import json
from typing import Any

from pydantic import TypeAdapter

from model.axis import Axis
from model.norm_table import GROUPED
from model.spec import AXES, PER_REPLICA
from orchestrator.grid.blocks import Grid
from orchestrator.grid.limits import MOST_SEEDS
from orchestrator.grid.start import KEY as START
from orchestrator.grid.tune import DEFAULT_SEEDS, HOLDOUT, MOST_SEEDS_SEARCHED, ON, SEEDS
from orchestrator.grid.tune import KEY as TUNE
from orchestrator.grid.zipped import KEY as ZIP

Schema = dict[str, Any]

_NULL: Schema = {"type": "null"}
_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS}


def grid_schema() -> Schema:
    """The schema of a whole file, in JSON schema's draft 2020-12."""
    own = {name: TypeAdapter(field.rebuild_annotation()).json_schema() for name, field in _own_fields()}
    named = {key: value for schema in own.values() for key, value in schema.pop("$defs", {}).items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A grid of normsweep",
        "description": Grid.__doc__,
        "type": "object",
        "properties": {
            **own,
            "blocks": {"type": "array", "minItems": 1, "items": _block()},
        },
        "required": ["blocks"],
        "additionalProperties": False,
        "$defs": named,
    }


def _own_fields() -> list[tuple[str, Any]]:
    return [(name, field) for name, field in Grid.model_fields.items() if name != "blocks"]


def _block() -> Schema:
    seeds = {"description": "a count n, meaning the seeds 1 to n, or a list"}
    return {
        "type": "object",
        "description": "the product of its lists; a scalar is a list of one",
        "properties": {
            **{name: _axis(axis) for name, axis in AXES.items() if name != "start"},
            START: _start(),
            "seeds": {**seeds, "anyOf": [_COUNT, _several({"type": "integer", "minimum": 0})]},
            ZIP: _zip(),
            TUNE: _tune(),
        },
        "additionalProperties": False,
        "allOf": [
            *(_beside_or_zipped(name) for name, axis in AXES.items() if axis.required),
            _beside_or_zipped("seeds"),
            _groups_are_group_norms(),
            _one_length(),
        ],
    }


def _zip() -> Schema:
    """Lists of one length, which JSON schema cannot say."""
    return {
        "type": "object",
        "description": "axes that go together: the first values of all, the second of all, and so on",
        "properties": {
            name: {"type": "array", "items": {"anyOf": [_item(axis), _NULL]}, "minItems": 1}
            for name, axis in AXES.items()
            if name != "start"
        }
        | {START: {"type": "array", "items": {"anyOf": [_parent(), _NULL]}, "minItems": 1}},
        "additionalProperties": False,
        "minProperties": 2,
    }


def _start() -> Schema:
    """The axis `start`, as a block says it: one trial to start from, or several."""
    axis = AXES["start"]
    return {"title": axis.label, "description": axis.help, "anyOf": [_parent(), _several(_parent()), _NULL]}


def _parent() -> Schema:
    """What of a parent is otherwise than its child's; a parent's own parent may be of any such kind."""
    axes = {name: _item(axis) for name, axis in AXES.items() if name != "start"}
    return {
        "type": "object",
        "description": "what the trial that it starts from has otherwise: {norm: bn, batch_size: 32}",
        "properties": {**axes, START: {"type": "object"}},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _tune() -> Schema:
    """Which of these axes stand beside `tune` too, JSON schema does not say."""
    seeds: Schema = {"type": "integer", "minimum": 0}
    count: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS_SEARCHED}
    return {
        "type": "object",
        "description": "values that each cell tries on the hold-out before it is trained with the best",
        "properties": {
            **{name: {"anyOf": [_item(AXES[name]), _several(_item(AXES[name]))]} for name in PER_REPLICA},
            ON: {"const": HOLDOUT},
            SEEDS: {
                "description": "of the search: how many, others than those of the block, or a list",
                "default": DEFAULT_SEEDS,
                "anyOf": [count, _several(seeds)],
            },
        },
        "required": [ON],
        "additionalProperties": False,
        "minProperties": 2,
    }


def _beside_or_zipped(name: str) -> Schema:
    """What every block needs, in one of two places."""
    zipped: Schema = {"properties": {ZIP: {"required": [name]}}, "required": [ZIP]}
    return {"anyOf": [{"required": [name]}, zipped]}


def _axis(axis: Axis) -> Schema:
    """One value or a list of several."""
    item = _item(axis)
    default: Schema = {} if axis.required or axis.default is None else {"default": axis.default}
    forms = [item, _several(item), *([_NULL] if axis.optional or axis.from_recipe else [])]
    return {"title": axis.label, "description": axis.help, **default, "anyOf": forms}


def _item(axis: Axis) -> Schema:
    """One value."""
    item: Schema = TypeAdapter(axis.item).json_schema()
    if axis.own:
        return {"anyOf": [{**item, "enum": list(axis.choices)}, {**item, "pattern": ":"}]}
    return {**item, "enum": list(axis.choices)} if axis.choices else item


def _several(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}


def _groups_are_group_norms() -> Schema:
    """A block with a norm in groups needs `groups`, and no other may have it."""
    grouped = {"enum": list(GROUPED)}
    one_or_several = {"anyOf": [grouped, {"type": "array", "contains": grouped}]}
    return {
        "if": {"properties": {"norm": one_or_several}, "required": ["norm"]},
        "then": {"properties": {"groups": {"not": _NULL}}, **_beside_or_zipped("groups")},
        "else": {"properties": {"groups": _NULL}},
    }


def _one_length() -> Schema:
    """Epochs or iterations, not both."""
    said: Schema = {"not": _NULL}
    lengths = ["epochs", "iterations"]
    return {"not": {"properties": dict.fromkeys(lengths, said), "required": lengths}}


if __name__ == "__main__":
    print(json.dumps(grid_schema(), indent=2, ensure_ascii=False))
