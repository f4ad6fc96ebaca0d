"""The `analysis:` part of a grid: what it takes, and what it refuses in one line."""

import pytest
import yaml
from jsonschema import Draft202012Validator

from model.errors import InputError
from orchestrator.grid.analysis import Stopping
from orchestrator.grid.parse import parse
from orchestrator.grid.schema import grid_schema

VALIDATOR = Draft202012Validator(grid_schema())
BLOCKS = "blocks:\n  - {norm: bn, batch_size: 2, seeds: 1}\n"


def with_analysis(part):
    return f"analysis: {part}\n{BLOCKS}"


@pytest.mark.parametrize(
    "part",
    [
        "{}",
        "{margin: 0.5, comparisons: bn, at: 4, claims: change}",
        "{margin: 5%, at: [4, 2], claims: [difference, constancy], measure: median5, x: lr}",
        "{stopping: {until_ci: 1, max_seeds: 9}}",
        "{margin: 0.5, stopping: {until_decided: true, until_ci: 0.3, max_seeds: 20, max_hours: 4.5}}",
    ],
)
def test_a_good_one_is_read_and_passes_the_schema(part):
    text = with_analysis(part)
    assert parse("g", text).analysis is not None
    assert not list(VALIDATOR.iter_errors(yaml.safe_load(text)))


def test_a_scalar_is_a_list_of_one_and_a_margin_is_as_the_command_line_has_it():
    said = parse(
        "g", with_analysis("{margin: 0.5, at: 4, claims: change, stopping: {until_ci: 1, max_seeds: 9}}")
    )
    assert said.analysis.margin == "0.5"
    assert said.analysis.at == (4,)
    assert said.analysis.claims == ("change",)
    assert said.analysis.stopping == Stopping(until_ci=1.0, max_seeds=9)


def test_a_grid_without_one_plans_nothing():
    assert parse("g", BLOCKS).analysis is None


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("{margin: x}", "line 1: analysis.margin: 'x' is no margin; expected points of error"),
        ("{margin: 0}", "analysis.margin: '0' is no margin"),
        ("{margins: 1}", "analysis.margins: unknown key, did you mean margin?"),
        ("{correction: none}", "analysis.correction: input should be 'holm', got 'none'"),
        ("{claims: []}", "analysis.claims: is an empty list"),
        (
            "{claims: rise}",
            "analysis.claims: input should be 'difference', 'change' or 'constancy', got 'rise'",
        ),
        ("{stopping: {max_seeds: 9}}", "analysis.stopping.until_decided: give it or until_ci"),
        (
            "{stopping: {until_ci: 0, max_seeds: 9}}",
            "analysis.stopping.until_ci: input should be greater than 0",
        ),
        (
            "{stopping: {until_ci: '1', max_seeds: 9}}",
            "analysis.stopping.until_ci: input should be a valid number",
        ),
        ("{stopping: {until_decided: true}}", "analysis.stopping.max_seeds: is missing"),
        ("{stopping: {until: 1, max_seeds: 3}}", "analysis.stopping.until: unknown key"),
        (
            "{margin: 5%, stopping: {until_decided: true, max_seeds: 9}}",
            "analysis.margin: until_decided needs one in",
        ),
        ("[1]", "analysis: input should be a valid dictionary or instance of Analysis"),
    ],
)
def test_a_bad_one_is_one_line(part, message):
    with pytest.raises(InputError) as error:
        parse("g", with_analysis(part))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
