"""The JSON schema: it ships as it is made, takes every good grid and refuses what the parser refuses."""

import json
from importlib import resources

import pytest
import yaml
from jsonschema import Draft202012Validator

from model.errors import InputError
from orchestrator.grid.parse import parse, shipped
from orchestrator.grid.schema import grid_schema

VALIDATOR = Draft202012Validator(grid_schema())
FILES = resources.files("orchestrator.grid")

GOOD = [
    "{norm: bn, batch_size: 2, seeds: 2}",
    "{norm: [bn, ln], batch_size: [8, 4], seeds: [7, 9]}",
    "{norm: [bn, gn], groups: [8, 4], batch_size: 2, seeds: 1}",
    "{norm: [rms, frn], groups: [8, 4], batch_size: 2, seeds: 1}",
    "{norm: gn, groups: 16, batch_size: 2, epochs: 3, iterations: null, seeds: 1}",
    "{norm: bn, batch_size: 2, iterations: 3, holdout: 500, recipe: he2015, shortcut: identity, seeds: 1}",
]
BAD = [
    "{norm: gx, batch_size: 2, seeds: 1}",
    "{norm: bn, batch_size: 2}",
    "{norm: bn, batchsize: 2, batch_size: 2, seeds: 1}",
    "{norm: bn, batch_size: 0, seeds: 1}",
    "{norm: bn, batch_size: true, seeds: 1}",
    "{norm: bn, batch_size: [], seeds: 1}",
    "{norm: bn, batch_size: [2, 2], seeds: 1}",
    "{norm: bn, batch_size: 2, seeds: 0}",
    "{norm: bn, batch_size: 2, seeds: 20240101}",
    "{norm: bn, batch_size: 2, seeds: [-1]}",
    "{norm: gn, batch_size: 2, seeds: 1}",
    "{norm: [bn, bgn], batch_size: 2, seeds: 1}",
    "{norm: gn, groups: null, batch_size: 2, seeds: 1}",
    "{norm: gn, groups: 0, batch_size: 2, seeds: 1}",
    "{norm: [bn, ln], groups: 8, batch_size: 2, seeds: 1}",
    "{norm: bn, batch_size: 2, epochs: 1, iterations: 2, seeds: 1}",
    "{norm: bn, batch_size: 2, holdout: -1, seeds: 1}",
]
BAD_FILES = ["{}", "blocks: []", "blocks: {a: 1}", "bloks: []", f"{{name: ../x, blocks: [{GOOD[0]}]}}", "3"]


def test_the_file_that_ships_is_the_one_that_is_made():
    made = json.loads((FILES / "grid.schema.json").read_text(encoding="utf-8"))
    assert made == grid_schema(), (
        "run: python -m orchestrator.grid.schema > orchestrator/grid/grid.schema.json"
    )


def test_it_is_a_schema():
    Draft202012Validator.check_schema(grid_schema())


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_shipped_grids_pass(name):
    VALIDATOR.validate(yaml.safe_load((FILES / "shipped" / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", GOOD)
def test_a_good_block_passes_schema_and_parser(text):
    VALIDATOR.validate(yaml.safe_load(f"blocks: [{text}]"))
    assert parse("x", f"blocks: [{text}]").trials()


@pytest.mark.parametrize("text", [*(f"blocks: [{block}]" for block in BAD), *BAD_FILES])
def test_a_bad_file_fails_schema_and_parser(text):
    assert not VALIDATOR.is_valid(yaml.safe_load(text))
    with pytest.raises(InputError):
        parse("x", text)
