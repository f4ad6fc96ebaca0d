"""The command line over a grid."""

import argparse
import re

import pytest

from model.errors import InputError
from orchestrator.grid.arguments import add_options, adjustments
from orchestrator.grid.overrides import adjust, adjust_by_width
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


def test_g_by_width():
    grid = find("fig1")
    trials = adjust_by_width(grid, {"width": (1, 2), "batch_size": (2,), "seeds": (3,)}, {1: 4, 2: 16}).trials
    assert {(t.norm, t.groups, t.width) for t in trials} == {
        ("bn", None, 1), ("gn", 4, 1), ("bn", None, 2), ("gn", 16, 2),
    }  # fmt: skip
    assert adjust_by_width(grid, {}, {1: 8}).foreseen == grid.trials()


def test_g_by_width_in_blocks_and_zips_of_several_widths():
    grid = parse(
        "x",
        "blocks: [{norm: [bn, gn], groups: 8, width: [1, 2], batch_size: 2, seeds: 1},"
        " {norm: gn, zip: {width: [2, 4], groups: [4, 16]}, batch_size: 4, seeds: 1}]",
    )
    trials = adjust_by_width(grid, {}, {1: 2, 2: 4, 4: 16}).trials
    assert [(t.norm, t.groups, t.width, t.batch_size) for t in trials] == [
        ("bn", None, 1, 2), ("gn", 2, 1, 2), ("bn", None, 2, 2), ("gn", 4, 2, 2), ("gn", 4, 2, 4), ("gn", 16, 4, 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "groups", "message"),
    [
        ({"width": (1, 8)}, {1: 4, 2: 8}, "no G was searched for at width 8; the search has width 1, 2"),
        ({"norm": ("bn",)}, {1: 4}, "--groups-from is for the norms gn, rms"),
        ({}, {1: 32}, "G = 32 does not divide the channels 16, 32, 64"),
    ],
)
def test_g_by_width_that_cannot_be(wanted, groups, message):
    with pytest.raises(InputError, match=message):
        adjust_by_width(find("fig1"), wanted, groups)


def test_a_rule_for_g_is_narrowed_to_a_width_or_to_a_g():
    grid = find("grule")
    assert {t.groups for t in adjust(grid, {"width": (1,)})} == {1, 2, 4, 8, 16}
    assert {(t.width, t.groups) for t in adjust(grid, {"groups": (32,)})} == {(2, 32), (4, 32)}


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


def given(*arguments):
    """What a command line with these options says instead of a grid."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser.add_argument_group("what is trained"))
    return adjustments(parser.parse_args(arguments))


def test_any_axis_is_set():
    wanted = given(
        "--set", "lr=0.05,0.1", "--set", "weight-decay=0", "--set", "zero_gamma=false", "--set", "seeds=2"
    )
    assert wanted == {"lr": (0.05, 0.1), "weight_decay": (0.0,), "zero_gamma": (False,), "seeds": (1, 2)}
    trials = adjust(find("demo"), {**wanted, "norm": ("bn",), "batch_size": (8,)})
    assert [(t.lr, t.seed, t.zero_gamma) for t in trials] == [
        (0.05, 1, False),
        (0.05, 2, False),
        (0.1, 1, False),
        (0.1, 2, False),
    ]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lrr=1", "there is no axis 'lrr'; did you mean lr? --list-axes"),
        ("nothing=1", "there is no axis 'nothing'; --list-axes"),
        ("lr", "'lr'; expected AXIS=A,B"),
        ("lr=much", "'much'; expected numbers with commas between"),
        ("zero_gamma=maybe", "'maybe'; expected true or false"),
        ("epochs=2.5", "'2.5'; expected whole numbers"),
    ],
)
def test_settings_that_are_none(setting, message):
    with pytest.raises(argparse.ArgumentError, match=re.escape(message)):
        given("--set", setting)


def test_an_axis_is_set_once():
    with pytest.raises(InputError, match="epochs is given twice"):
        given("--epochs", "2", "--set", "epochs=3")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"warmup_epochs": (10,)}, "warmup_epochs: 10 of 10 epochs"),
        ({"momentum": (0.0,), "optimizer": ("sgd-nesterov",)}, "momentum: Nesterov"),
        ({"model": ("vgg",), "norm": ("bn",), "weight_standardization": (True,)}, "the network vgg"),
        ({"norm": ("fbn",), "weight_standardization": (True,)}, "weight_standardization: with norm fbn"),
        ({"epochs": (1,), "iterations": (5,)}, "not both"),
    ],
)
def test_what_only_a_whole_trial_can_tell_is_told(wanted, message):
    with pytest.raises(InputError, match=message):
        adjust(find("demo"), wanted)


def test_each_optimiser_of_a_sweep_has_its_own_rate():
    wanted = {"optimizer": ("sgd", "adamw"), "norm": ("bn",), "batch_size": (8,), "seeds": (1,)}
    trials = adjust(find("demo"), wanted)
    assert [(t.optimizer, t.lr, t.weight_decay) for t in trials] == [
        ("sgd", 0.1, 1e-4),
        ("adamw", 1e-3, 1e-2),
    ]


def test_where_gradients_are_clipped_is_for_those_that_are():
    wanted = {"grad_clip": ("none", "norm"), "norm": ("bn",), "batch_size": (8,), "seeds": (1,)}
    assert [(t.grad_clip, t.clip_at) for t in adjust(find("demo"), wanted)] == [("none", None), ("norm", 1.0)]
    with pytest.raises(InputError, match="clip_at: nothing is clipped where grad_clip is none"):
        adjust(find("demo"), {**wanted, "clip_at": (0.5,)})


def test_a_new_norm_of_a_wider_network_may_have_its_g():
    trials = adjust(find("demo"), {"norm": ("rms",), "groups": (32,), "width": (2,), "seeds": (1,)})
    assert {(t.norm, t.groups, t.width) for t in trials} == {("rms", 32, 2)}


def test_statistics_of_the_whole_batch_go_without_saying():
    wanted = {"norm": ("bn",), "batch_size": (8, 4), "norm_batch": (4,), "seeds": (1,)}
    assert [(t.batch_size, t.norm_batch) for t in adjust(find("demo"), wanted)] == [(8, 4), (4, None)]
