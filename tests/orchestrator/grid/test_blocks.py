"""Grids: what ships, what a union means, and what a mistake is told."""

import math

import pytest

from model.data.digits import INFO
from model.errors import InputError
from model.net.build import network
from model.spec import Spec
from orchestrator.grid.parse import find, parse, shipped


def test_what_ships():
    counts = {name: len(grid.trials()) for name, grid in shipped().items()}
    assert counts == {
        "demo": 18, "fig1": 50, "finetune": 30, "finetune-demo": 30, "full": 100, "grule": 90, "grule-demo": 90,
        "gsearch": 15, "he2015": 5, "sequence": 60, "tuned-demo": 88,
    }  # fmt: skip


def test_fig1_is_the_study():
    trials = find("fig1").trials()
    assert {(t.norm, t.groups) for t in trials} == {("bn", None), ("gn", 8)}
    assert {t.batch_size for t in trials} == {32, 16, 8, 4, 2}
    assert {t.seed for t in trials} == {1, 2, 3, 4, 5}
    assert {(t.dataset, t.model, t.recipe, t.epochs, t.holdout) for t in trials} == {
        ("cifar10", "resnet20", "wu2018", 100, 0)
    }


def test_gsearch_never_sees_the_test_set():
    assert {(t.groups, t.batch_size, t.holdout) for t in find("gsearch").trials()} == {
        (8, 32, 5000),
        (4, 32, 5000),
        (2, 32, 5000),
    }


@pytest.mark.parametrize("name", ["grule", "grule-demo"])
def test_a_rule_for_g_has_every_g_that_divides_the_real_channels(name):
    """Of the networks as they are built, and not of what is written of them."""
    tried = {}
    for trial in find(name).trials():
        assert trial.norm == "gn"
        assert trial.holdout > 0
        tried.setdefault(trial.width, (trial.model, set()))[1].add(trial.groups)
    assert set(tried) == {1, 2, 4}
    for width, (model, groups) in tried.items():
        spec = Spec(model=model, norm="bn", width=width, batch_size=8)
        kernels = [p for p in network(spec, INFO, [1], zero_gamma=False).parameters() if p.ndim >= 4]
        common = math.gcd(*(kernel.shape[-4] for kernel in kernels))
        assert groups == {g for g in range(1, common + 1) if common % g == 0}


def test_full_wastes_no_trial_on_bn_times_g():
    trials = find("full").trials()
    assert sum(t.norm == "bn" for t in trials) == 25
    assert sum(t.norm == "gn" for t in trials) == 75


def test_he2015_is_counted_in_iterations():
    (first, *_) = find("he2015").trials()
    assert (first.batch_size, first.iterations, first.epochs, first.norm) == (128, 64_000, None, "bn")


def test_scalars_lists_and_mixed_norms():
    grid = parse("x", "blocks: [{norm: [bn, gn, ln], groups: [8, 4], batch_size: 2, seeds: [7, 9]}]")
    assert [(t.norm, t.groups, t.seed) for t in grid.trials()] == [
        ("bn", None, 7),
        ("bn", None, 9),
        ("gn", 8, 7),
        ("gn", 8, 9),
        ("gn", 4, 7),
        ("gn", 4, 9),
        ("ln", None, 7),
        ("ln", None, 9),
    ]


def test_a_trial_of_two_blocks_is_one():
    blocks = "{norm: bn, batch_size: [4, 2], seeds: 2}, {norm: [bn, ln], batch_size: 2, seeds: [2, 3]}"
    found = [(t.norm, t.batch_size, t.seed) for t in parse("x", f"blocks: [{blocks}]").trials()]
    assert found == [
        ("bn", 4, 1),
        ("bn", 4, 2),
        ("bn", 2, 1),
        ("bn", 2, 2),
        ("bn", 2, 3),
        ("ln", 2, 2),
        ("ln", 2, 3),
    ]


GOOD = "  - norm: bn\n    batch_size: 2\n    seeds: 2\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("blocks: [", ["line 1", "does not parse"]),
        ("3", ["expected a mapping", "blocks"]),
        ("blocks: []\nblocks: []", ["line 2", "'blocks' is given twice"]),
        (f"blocks:\n{GOOD}    norm: gn\n", ["line 5", "'norm' is given twice"]),
        ("blocks: {a: 1}", ["blocks", "expected a list of blocks"]),
        ("blocks: 2020-13-41", ["does not parse", "month"]),
        ("blocks: " + "[" * 3000, ["does not parse"]),
        (f"name: ../x\nblocks:\n{GOOD}", ["name", "pattern"]),
        (f"blocks:\n{GOOD.replace('seeds: 2', 'seeds: 20240101')}", ["seeds", "[20240101]"]),
        ("bloks: []", ["bloks", "unknown key", "did you mean blocks"]),
        ("blocks: []", ["blocks", "empty list"]),
        (f"blocks:\n{GOOD}    batchsize: 2\n", ["line 5", "blocks[0].batchsize", "did you mean batch_size"]),
        ("blocks:\n  - norm: bn\n    seeds: 2\n", ["blocks[0].batch_size", "missing"]),
        (
            "blocks:\n  - norm: gx\n    batch_size: 2\n    seeds: 1\n",
            ["line 2", "norm", "'gx' is none of bn, gn, ln, in"],
        ),
        (f"blocks:\n{GOOD}    groups: 8\n", ["line 5", "groups", "for the norms gn, rms"]),
        (f"blocks:\n{GOOD.replace('bn', 'gn')}", ["groups", "1, 2, 4, 8, 16"]),
        (
            f"blocks:\n{GOOD.replace('bn', 'gn')}    groups: 3\n",
            ["line 5", "groups", "G = 3", "1, 2, 4, 8, 16"],
        ),
        (f"blocks:\n{GOOD.replace('size: 2', 'size: -2')}", ["line 3", "batch_size", "greater than 0", "-2"]),
        (f"blocks:\n{GOOD.replace('size: 2', 'size: []')}", ["line 3", "batch_size", "empty list"]),
        (f"blocks:\n{GOOD.replace('seeds: 2', 'seeds: [1, 1]')}", ["line 4", "seeds", "given twice: 1"]),
        (f"blocks:\n{GOOD.replace('seeds: 2', 'seeds: 0')}", ["seeds", "count above zero"]),
        (f"blocks:\n{GOOD}    epochs: 1\n    iterations: 2\n", ["epochs", "not both"]),
    ],
)
def test_mistakes_name_the_line_the_key_and_what_is_allowed(text, parts):
    with pytest.raises(InputError) as caught:
        parse("x", text)
    message = str(caught.value)
    assert "\n" not in message
    for part in ["x", *parts]:
        assert part in message


def test_an_unknown_grid_gets_the_nearest_name():
    with pytest.raises(InputError, match="Did you mean fig1"):
        find("fig2")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: No such file"):
        find(str(tmp_path / "nowhere.yaml"))
