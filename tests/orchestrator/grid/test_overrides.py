"""The command line over a grid."""

import pytest

from model.errors import InputError
from orchestrator.grid.blocks import find, parse
from orchestrator.grid.overrides import Adjustments, adjust


def keys(trials):
    return {(t.norm, t.groups, t.batch_size, t.seed) for t in trials}


def test_nothing_said_changes_nothing():
    assert adjust(find("fig1"), Adjustments()) == find("fig1").trials()


def test_narrowing_keeps_ids():
    few = adjust(find("fig1"), Adjustments(norms=("bn",), batch_sizes=(2, 4), seeds=(1,)))
    assert keys(few) == {("bn", None, 2, 1), ("bn", None, 4, 1)}
    assert {t.trial_id for t in few} <= {t.trial_id for t in find("fig1").trials()}


def test_widening_with_seeds_keeps_the_old_trials():
    more = adjust(find("fig1"), Adjustments(seeds=tuple(range(1, 8))))
    assert len(more) == 70
    assert set(find("fig1").trials()) < set(more)


def test_a_new_norm_takes_the_rest_from_the_grid():
    trials = adjust(find("fig1"), Adjustments(norms=("bn", "ln"), batch_sizes=(2,), seeds=(1,)))
    assert keys(trials) == {("bn", None, 2, 1), ("ln", None, 2, 1)}


def test_other_groups():
    trials = adjust(find("fig1"), Adjustments(groups=(4, 2), batch_sizes=(2,), seeds=(3,)))
    assert keys(trials) == {("bn", None, 2, 3), ("gn", 4, 2, 3), ("gn", 2, 2, 3)}


def test_epochs_replace_iterations():
    (trial, *_) = adjust(find("he2015"), Adjustments(epochs=2))
    assert (trial.epochs, trial.iterations) == (2, None)


def test_blocks_that_come_out_the_same_are_one():
    grid = parse("x", "blocks: [{norm: bn, batch_size: 2, seeds: 1}, {norm: bn, batch_size: 4, seeds: 1}]")
    assert len(adjust(grid, Adjustments(batch_sizes=(8,)))) == 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Adjustments(batch_sizes=(-2,)), "batch_size: .*greater than 0.*-2"),
        (Adjustments(seeds=(1, 1)), "seeds: given twice: 1"),
        (Adjustments(groups=(3,)), "G = 3 does not divide"),
        (Adjustments(norms=("bn",), groups=(8,)), "group norm alone"),
    ],
)
def test_mistakes(wanted, message):
    with pytest.raises(InputError, match=message):
        adjust(find("fig1"), wanted)


def test_a_new_gn_needs_its_groups():
    grid = parse("x", "blocks: [{norm: bn, batch_size: 2, seeds: 1}]")
    with pytest.raises(InputError, match="--groups"):
        adjust(grid, Adjustments(norms=("gn",)))
    assert keys(adjust(grid, Adjustments(norms=("gn",), groups=(4,)))) == {("gn", 4, 2, 1)}
