"""A block that searches: which trials it declares, and which mistakes are told."""

import itertools

import pytest

from model.errors import InputError
from orchestrator.grid.overrides import adjusted
from orchestrator.grid.parse import find, parse

TUNED = """\
blocks:
  - {norm: [bn, gn], groups: 8, batch_size: [32, 2], epochs: 3, seeds: 2}
  - {norm: [bn, gn], groups: 8, batch_size: [32, 2], epochs: 3, seeds: 2, holdout: 100,
     tune: {lr: [0.1, 0.01], weight_decay: [0, 0.001], on: holdout, seeds: 3}}
"""
ONE = "blocks: [{norm: bn, batch_size: 2, epochs: 1, seeds: 2, holdout: 100, %s}]"


def test_every_cell_tries_the_product_with_seeds_of_its_own():
    declared = parse("x", TUNED).declared
    assert len(declared.trials) == 8
    assert [search.name for search in declared.searches] == [
        "bn, batch 32",
        "bn, batch 2",
        "gn G=8, batch 32",
        "gn G=8, batch 2",
    ]
    for search in declared.searches:
        tried = {(t.lr, t.weight_decay, t.seed) for t in search.trials}
        assert tried == set(itertools.product([0.1, 0.01], [0.0, 0.001], [10001, 10002, 10003]))
        assert {t.holdout for t in search.trials} == {100}
        assert search.budget == (4, 3)
        for one in search.candidates:
            assert {(("lr", t.lr), ("weight_decay", t.weight_decay)) for t in one.final} == {one.values}
            assert [(t.holdout, t.seed) for t in one.final] == [(0, 1), (0, 2)]


def test_the_trials_are_those_that_a_person_would_have_written():
    search = parse("x", TUNED).declared.searches[2]
    one = search.candidates[3]
    assert one.values == (("lr", 0.01), ("weight_decay", 0.001))
    written = "blocks: [{norm: gn, groups: 8, batch_size: 32, epochs: 3, lr: 0.01, weight_decay: 0.001, %s}]"
    final = parse("x", written % "seeds: 2").trials()
    searching = parse("x", written % "seeds: [10001, 10002, 10003], holdout: 100").trials()
    assert [t.trial_id for t in one.final] == [t.trial_id for t in final]
    assert [t.trial_id for t in one.search] == [t.trial_id for t in searching]


def test_a_choice_adds_its_trials_and_no_others():
    declared = parse("x", TUNED).declared
    nothing = declared.known(lambda search: None)
    assert len(nothing) == 8 + 4 * 12
    some = declared.known(lambda search: 1 if search.cell["norm"] == "bn" else None)
    assert {(t.norm, t.lr, t.weight_decay) for t in some if t not in set(nothing)} == {("bn", 0.1, 0.001)}
    assert len(declared.foreseen) == len(parse("x", TUNED).trials()) == 8 + 48 + 8


def test_a_choice_that_is_the_recipe_of_the_other_block_is_trained_once():
    text = TUNED.replace("weight_decay: [0, 0.001]", "weight_decay: [0.0001]")
    declared = parse("x", text).declared
    assert len(declared.known(lambda search: 0)) == 8 + 4 * 6, (
        "learning rate 0.1 and weight decay 0.0001 are its own"
    )


def test_more_seeds_change_nothing_in_the_search():
    few, many = (adjusted(parse("x", TUNED), {"seeds": tuple(range(1, n))}) for n in (3, 6))
    assert few.searching == many.searching
    assert [len(s.candidates[0].final) for s in many.searches] == [5] * 4


def test_yaml_reads_on_as_true_and_that_is_no_matter():
    quoted, plain = (parse("x", TUNED.replace("on:", on)) for on in ("'on':", "on:"))
    assert quoted == plain


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("tune: {lr: [], on: holdout}", "blocks[0].tune: lr is an empty list; give the values to try"),
        ("tune: {lr: [0.1, 0.2], on: test}", "tune: on: expected holdout, got 'test'; a search is judged on training images"),
        ("tune: {lr: [0.1, 0.2]}", "tune: on: expected holdout;"),
        ("tune: {on: holdout}", "tune: no axis to search; give values of one or several of lr, weight_decay"),
        ("tune: [lr]", "tune: expected a mapping of axes and their values, such as {lr: [0.05, 0.1], on: holdout}"),
        ("tune: {batch_size: [4, 2], on: holdout}", "tune: batch_size cannot be searched; what can are the axes in which replicas"),
        ("tune: {groups: [4, 2], on: holdout}", "G has a search of its own, --groups-from"),
        ("tune: {learning: [4, 2], on: holdout}", "tune: there is no axis 'learning'; what can be searched: lr,"),
        ("lr: 0.1, tune: {lr: [0.1, 0.2], on: holdout}", "blocks[0].lr: tune searches it, so take it out of the block"),
        ("label_smoothing: 0, tune: {label_smoothing: [0, 0.1], on: holdout}", "label_smoothing: tune searches it"),
        ("tune: {lr: [0.1, 0.1], on: holdout}", "blocks[0].tune.lr: given twice: 0.1"),
        ("tune: {lr: [0.1, -1], on: holdout}", "blocks[0].tune.lr: input should be greater than 0, got -1"),
        ("tune: {lr: 0.1, on: holdout}", "tune: 1 combination to choose from; expected 2 to 1,000"),
        ("tune: {lr: [0.1, 0.2], on: holdout, seeds: 0}", "tune.seeds: expected a count from 1 to 1,000"),
        ("tune: {lr: [0.1, 0.2], on: holdout, seeds: [2, 9]}", "seeds: 2 is a seed of the search too"),
        ("from: {norm: gn, groups: 8}, tune: {lr: [0.1, 0.2], on: holdout}", "blocks[0].from: tune searches for trials that start afresh"),
        ("tune: {clip_at: [1, 2], on: holdout}", "clip_at: nothing is clipped where grad_clip is none"),
    ],
)  # fmt: skip
def test_mistakes(said, message):
    with pytest.raises(InputError) as told:
        parse("x", ONE % said)
    assert message in str(told.value)
    assert str(told.value).startswith("x.yaml line 1: blocks[0].")


@pytest.mark.parametrize("holdout", ["", "holdout: 0, ", "holdout: [0, 100], "])
def test_a_search_needs_images_to_be_judged_on(holdout):
    text = f"blocks: [{{norm: bn, batch_size: 2, seeds: 2, {holdout}tune: {{lr: [0.1, 0.2], on: holdout}}}}]"
    with pytest.raises(InputError, match=r"blocks\[0\].holdout: tune needs one number above zero"):
        parse("x", text)


def test_two_searches_of_one_cell():
    block = "{norm: bn, batch_size: 2, epochs: 1, seeds: %d, holdout: 9, tune: {lr: [0.1, 0.2], on: holdout}}"
    with pytest.raises(InputError, match="tune: two blocks search for bn, batch 2"):
        parse("x", f"blocks: [{block % 2}, {block % 3}]").trials()
    assert len(parse("x", f"blocks: [{block % 2}, {block % 2}]").declared.searches) == 1


def test_what_is_searched_cannot_be_said_on_the_command_line():
    with pytest.raises(
        InputError, match=r"lr is searched in this grid \(tune\), so it cannot be given here too"
    ):
        adjusted(parse("x", TUNED), {"lr": (0.5,)})


def test_the_shipped_grid_has_the_common_recipe_beside():
    declared = find("tuned-demo").declared
    assert {t.lr for t in declared.trials} == {0.1}
    assert {dict(c.values)["lr"] for s in declared.searches for c in s.candidates} > {0.1}
    cells = {(t.norm, t.batch_size, t.seed) for t in declared.trials}
    assert {(t.norm, t.batch_size, t.seed) for s in declared.searches for t in s.candidates[0].final} == cells
