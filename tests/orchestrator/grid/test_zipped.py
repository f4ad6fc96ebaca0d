"""Axes of a block that go together."""

import pytest

from model.errors import InputError
from orchestrator.grid.overrides import adjust
from orchestrator.grid.parse import parse

SCALED = "blocks: [{norm: bn, seeds: 2, epochs: 3, zip: {batch_size: [32, 16], lr: [0.1, 0.05]}}]"


def test_the_first_values_of_all_then_the_second_of_all():
    trials = parse("x", SCALED).trials()
    assert [(t.batch_size, t.lr, t.seed) for t in trials] == [
        (32, 0.1, 1),
        (32, 0.1, 2),
        (16, 0.05, 1),
        (16, 0.05, 2),
    ]


def test_it_is_what_a_block_for_each_row_would_be():
    rows = "{norm: bn, seeds: 2, epochs: 3, batch_size: 32, lr: 0.1}, {norm: bn, seeds: 2, epochs: 3, batch_size: 16, lr: 0.05}"
    assert parse("x", SCALED).trials() == parse("x", f"blocks: [{rows}]").trials()


def test_the_others_are_multiplied_and_none_is_left_out_of_its_row():
    text = "blocks: [{zip: {norm: [bn, gn], groups: [null, 8]}, batch_size: [4, 2], seeds: 1, epochs: 1}]"
    assert [(t.norm, t.groups, t.batch_size) for t in parse("x", text).trials()] == [
        ("bn", None, 4),
        ("bn", None, 2),
        ("gn", 8, 4),
        ("gn", 8, 2),
    ]


def test_the_command_line_narrows_a_zip_row_by_row():
    grid = parse("x", SCALED)
    assert {(t.batch_size, t.lr) for t in adjust(grid, {"batch_size": (16,)})} == {(16, 0.05)}
    assert {t.seed for t in adjust(grid, {"seeds": (1, 2, 3)})} == {1, 2, 3}
    with pytest.raises(InputError, match=r"batch_size goes together with lr .* no batch_size = 8; .*32, 16"):
        adjust(grid, {"batch_size": (8,)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "zip: {lr: [0.1, 0.2], batch_size: [4]}",
            r"x.yaml line 4: blocks\[0\].zip: .* lr has 2, batch_size has 1",
        ),
        ("zip: {lr: [0.1]}", "one axis has nothing to go with"),
        ("zip: [lr]", "expected axes, each with a list of values"),
        ("zip: {lr: 0.1, batch_size: [4]}", "expected axes, each with a list of values"),
        ("zip: {seeds: [1, 2], batch_size: [4, 2]}", "seeds is in the zip and beside it"),
        (
            "zip: {lr: [0.1, -1], batch_size: [4, 2]}",
            r"line 4: blocks\[0\].zip.lr\[1\]: .*greater than 0, got -1",
        ),
        (
            "zip: {lrr: [0.1, 1], batch_size: [4, 2]}",
            r"line 4: blocks\[0\].zip.lrr.*: unknown key, did you mean lr\?",
        ),
    ],
)
def test_mistakes_are_told_by_line(text, message):
    with pytest.raises(InputError, match=message):
        parse("x", f"blocks:\n  - norm: bn\n    seeds: 1\n    {text}\n")


def test_nothing_said_changes_nothing_of_a_zip_with_a_value_left_out():
    for zipped in (
        "{norm: [bn, gn], groups: [null, 8]}",
        "{norm: [bn, ln], epochs: [1, null], iterations: [null, 2]}",
    ):
        length = "" if "epochs" in zipped else ", epochs: 1"
        grid = parse("x", f"blocks: [{{zip: {zipped}, batch_size: 4, seeds: 2{length}}}]")
        assert adjust(grid, {}) == grid.trials()
        assert len(grid.trials()) == 4
    both = parse(
        "x", "blocks: [{zip: {norm: [bn, gn], groups: [null, 8]}, batch_size: 4, seeds: 1, epochs: 1}]"
    )
    assert [t.norm for t in adjust(both, {"groups": (8,)})] == ["bn", "gn"]


def test_a_new_norm_goes_through_every_row():
    more = adjust(parse("x", SCALED), {"norm": ("bn", "gn"), "groups": (8,), "seeds": (1,)})
    assert [(t.norm, t.batch_size, t.lr) for t in more] == [
        ("bn", 32, 0.1),
        ("bn", 16, 0.05),
        ("gn", 32, 0.1),
        ("gn", 16, 0.05),
    ]
    assert len(adjust(parse("x", SCALED), {"norm": ("ln",), "lr": (0.05,)})) == 2
