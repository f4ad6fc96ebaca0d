"""The command line over a grid."""

import pytest

from model.errors import InputError
from orchestrator.grid.overrides import adjust
from orchestrator.grid.parse import find, parse


def keys(trials):
    return {(t.norm, t.groups, t.batch_size, t.seed) for t in trials}


def test_nothing_said_changes_nothing():
    assert adjust(find("fig1"), {}) == find("fig1").trials()


def test_narrowing_keeps_ids():
    few = adjust(find("fig1"), {"norm": ("bn",), "batch_size": (2, 4), "seeds": (1,)})
    assert keys(few) == {("bn", None, 2, 1), ("bn", None, 4, 1)}
    assert {t.trial_id for t in few} <= {t.trial_id for t in find("fig1").trials()}


def test_widening_with_seeds_keeps_the_old_trials():
    more = adjust(find("fig1"), {"seeds": tuple(range(1, 8))})
    assert len(more) == 70
    assert set(find("fig1").trials()) < set(more)


def test_a_new_norm_takes_the_rest_from_the_grid():
    trials = adjust(find("fig1"), {"norm": ("bn", "ln"), "batch_size": (2,), "seeds": (1,)})
    assert keys(trials) == {("bn", None, 2, 1), ("ln", None, 2, 1)}


def test_other_groups():
    trials = adjust(find("fig1"), {"groups": (4, 2), "batch_size": (2,), "seeds": (3,)})
    assert keys(trials) == {("bn", None, 2, 3), ("gn", 4, 2, 3), ("gn", 2, 2, 3)}


def test_epochs_replace_iterations():
    (trial, *_) = adjust(find("he2015"), {"epochs": (2,)})
    assert (trial.epochs, trial.iterations) == (2, None)


def test_blocks_that_come_out_the_same_are_one():
    grid = parse("x", "blocks: [{norm: bn, batch_size: 2, seeds: 1}, {norm: bn, batch_size: 4, seeds: 1}]")
    assert len(adjust(grid, {"batch_size": (8,)})) == 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"batch_size": (-2,)}, "batch_size: .*greater than 0.*-2"),
        ({"seeds": (1, 1)}, "seeds: given twice: 1"),
        ({"groups": (3,)}, "G = 3 does not divide"),
        ({"norm": ("bn",), "groups": (8,)}, "for the norms gn, rms"),
    ],
)
def test_mistakes(wanted, message):
    with pytest.raises(InputError, match=message):
        adjust(find("fig1"), wanted)


def test_a_new_gn_needs_its_groups():
    grid = parse("x", "blocks: [{norm: bn, batch_size: 2, seeds: 1}]")
    with pytest.raises(InputError, match="--groups"):
        adjust(grid, {"norm": ("gn",)})
    assert keys(adjust(grid, {"norm": ("gn",), "groups": (4,)})) == {("gn", 4, 2, 1)}
