"""Which trial a trial starts from, and by which text it says so."""

import pytest
from pydantic import ValidationError

from model.errors import InputError
from orchestrator.grid.overrides import adjust
from orchestrator.grid.parse import find, parse
from orchestrator.grid.trial import Trial, digest

BASE = {"dataset": "digits", "norm": "gn", "groups": 8, "batch_size": 2, "epochs": 10, "seed": 3}
BN = {"dataset": "digits", "norm": "bn", "batch_size": 32, "epochs": 10, "seed": 3}


def child(start, **changes):
    return Trial(**{**BASE, **changes}, start=start)


@pytest.mark.parametrize(
    ("said", "changes", "parent"),
    [
        ("norm=bn batch_size=32", {}, {}),
        ("batch_size=32 norm=bn", {}, {}),
        ("norm=bn batch_size=32 epochs=10", {"lr": 0.1}, {}),
        ("norm=bn batch_size=32", {"epochs": 20}, {"epochs": 20}),
        ("norm=bn batch_size=32 epochs=100", {}, {"epochs": 100}),
        ("norm=bn batch_size=32 iterations=70", {}, {"epochs": None, "iterations": 70}),
        ("norm=bn batch_size=32 dataset=svhn", {}, {"dataset": "svhn"}),
        ("norm=bn batch_size=32", {"lr": 0.05}, {"lr": 0.05}),
        ("norm=bn batch_size=32", {"eps": 0.001}, {"eps": 0.001}),  # said, and so its own too
        ("norm=frn batch_size=32", {}, {"norm": "frn"}),  # whose own ε is another
        ("norm=gn groups=4 batch_size=32", {}, {"norm": "gn", "groups": 4}),
        ("batch_size=32", {}, {"norm": "gn", "groups": 8}),
        ("batch_size=32 norm_batch=none", {"norm": "bn", "groups": None, "norm_batch": 1}, {}),
        ("recipe=he2015 norm=bn batch_size=32", {}, {"recipe": "he2015"}),
        ("norm=bn batch_size=32", {"optimizer": "adamw"}, {"optimizer": "adamw"}),
        ("norm=bn batch_size=32 optimizer=sgd", {"optimizer": "adamw", "lr": 0.002}, {"lr": 0.1}),
        ("norm=bn batch_size=32 optimizer=adamw", {"lr": 0.05}, {"optimizer": "adamw", "lr": 0.001}),
        (
            "norm=bn batch_size=32 optimizer=sgd-nesterov",
            {"lr": 0.05},
            {"optimizer": "sgd-nesterov", "lr": 0.05},
        ),
        ("norm=bn batch_size=32", {"decay_norm": False}, {"decay_norm": False}),
        ("norm=bn batch_size=32 decay_norm=true", {"decay_norm": False}, {}),
        (
            "norm=bn batch_size=32",
            {"grad_clip": "agc", "clip_at": 0.02},
            {"grad_clip": "agc", "clip_at": 0.02},
        ),
        ("norm=bn batch_size=32 grad_clip=none", {"grad_clip": "agc", "clip_at": 0.02}, {}),
        (
            "norm=bn batch_size=32 grad_clip=norm",
            {"grad_clip": "agc", "clip_at": 0.02},
            {"grad_clip": "norm", "clip_at": 1.0},
        ),
        (
            "norm=bn batch_size=32 clip_at=none",
            {"grad_clip": "agc", "clip_at": 0.02},
            {"grad_clip": "agc", "clip_at": 0.01},
        ),
        ("norm=bn batch_size=32", {"train_size": 200}, {"train_size": 200}),
        ("norm=bn batch_size=32 train_size=none", {"train_size": 200}, {}),
        ("norm=bn batch_size=32 train_size=300 label_noise=0", {"label_noise": 0.4}, {"train_size": 300}),
        ("norm=bn batch_size=32", {"label_noise": 0.4}, {"label_noise": 0.4}),
    ],
)
def test_the_parent_has_what_is_said_and_the_childs_own(said, changes, parent):
    made = child(said, **changes)
    expected = Trial(**{**BN, **parent})
    assert made.parent == expected
    assert made.parent_id == expected.trial_id
    assert made.parent.start is None
    assert child(made.start, **changes) == made, "the text by which it is kept means the same"
    assert Trial.from_identity(made.identity) == made


def test_one_parent_in_other_words_is_one_trial():
    ways = ["norm=bn batch_size=32", "batch_size=32 norm=bn", "norm=bn batch_size=32 lr=0.1"]
    assert len({child(said) for said in ways}) == 1
    assert len({child(said).trial_id for said in ways}) == 1


def test_the_parents_id_is_in_the_identity_and_the_id():
    made = child("norm=bn batch_size=32")
    assert made.identity["parent"] == Trial(**BN).trial_id
    assert made.trial_id.endswith(digest(made.identity))
    assert made.trial_id not in {Trial(**BASE).trial_id, child("norm=bn batch_size=16").trial_id}
    assert {"start", "parent"}.isdisjoint(Trial(**BASE).identity), "ids of before stay"


def test_a_parent_may_have_one():
    made = child("norm=bn batch_size=2; norm=bn batch_size=32")
    assert made.parent.parent == Trial(**BN)
    assert made.spec.name == "gn G=8, batch 2, from BN at batch 2, itself from BN at batch 32"


@pytest.mark.parametrize(
    ("said", "changes", "words"),
    [
        ("norm=bn batch_size=32 epochs=1", {}, "from BN at batch 32, 1 epoch"),
        ("norm=bn batch_size=32 optimizer=adamw decay_norm=false", {}, "adamw, no decay of γ and β"),
        ("norm=bn batch_size=32 grad_clip=none", {"grad_clip": "agc"}, ", gradient clipping: none"),
        ("norm=bn batch_size=32 train_size=none", {"train_size": 200}, ", without train size"),
        ("norm=bn batch_size=32 label_noise=0", {"label_noise": 0.2}, ", label noise 0"),
        ("norm=bn batch_size=32 dataset=svhn", {}, "from BN at batch 32, svhn"),
    ],
)
def test_what_differs_is_said_in_the_axes_words(said, changes, words):
    assert child(said, **changes).spec.name.endswith(words)


def test_a_norm_of_ones_own_is_a_parent_and_its_file_may_be_elsewhere():
    own = "elsewhere.norms:Mine@0123456789ab"
    made = child(f"norm={own} batch_size=4")
    assert (made.parent.norm, made.parent.groups) == (own, None)
    assert child(f"norm={own} batch_size=4 groups=2").parent.groups == 2
    assert made.spec.name == "gn G=8, batch 2, from Mine at batch 4"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("norm=nn", "from: norm: 'nn' is none of bn, gn"),
        ("norm=bn groups=4", "from: groups is for the norms gn, rms, bgn, evos0, not bn"),
        ("norm=gn groups=3", "from: groups: G = 3 does not divide the channels 16, 32, 64; allowed: 1, 2"),
        ("norm=bn seed=4", "from: seed: a seed starts from the parent's own of that number; leave it out"),
        ("norm=bn batch=4", "from: batch is no axis of a trial; --list-axes shows them all"),
        ("norm=bn batch_size=0", "from: batch_size: input should be greater than 0, got '0'"),
        ("norm", "from: 'norm' is no axis with a value; expected text like norm=bn batch_size=32"),
        ("norm=bn norm=gn", "from: norm is given twice"),
        (" ", "from: nothing is said of it"),
        ("model=resnet32", "from: model resnet32 there and resnet20 here; weights are taken over between"),
        ("width=2", "from: width 2 there and 1 here"),
        ("shortcut=identity", "from: shortcut identity there and projection here"),
        ("; ".join(["norm=bn"] * 11), "from: more than 10 trials one from another"),
    ],
)
def test_what_cannot_be_a_parent(said, words):
    with pytest.raises(ValidationError) as raised:
        child(said)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "said",
    [
        "norm=bn batch_size=32 holdout=0",
        "norm=bn batch_size=32 holdout=120",
        "norm=bn batch_size=32 dataset=svhn; norm=bn batch_size=32 dataset=digits holdout=0",
    ],
)
def test_images_that_the_child_is_judged_on_are_not_trained_on(said):
    with pytest.raises(ValidationError, match="may have trained on images that the block is judged on"):
        child(said, holdout=100)


def test_images_held_out_alike_or_of_other_data():
    assert child("norm=bn batch_size=32", holdout=100).parent.holdout == 100
    assert child("norm=bn batch_size=32 holdout=100").parent.holdout == 100
    assert child("norm=bn batch_size=32 holdout=0 dataset=svhn", holdout=100).parent.holdout == 0


# -- in a grid ---------------------------------------------------------------------------------------

HEAD = "blocks:\n  - {dataset: digits, norm: gn, groups: 8, batch_size: [8, 2], epochs: 10, seeds: 2,\n     "
FROM = HEAD + "from: {norm: bn, batch_size: 32}}\n"


def test_parents_come_first_once_and_are_those_of_other_blocks():
    trials = parse("x", FROM).trials()
    assert [(t.norm, t.batch_size, t.seed, t.start is None) for t in trials] == [
        ("bn", 32, 1, True),
        ("bn", 32, 2, True),
        *(("gn", size, seed, False) for size in (8, 2) for seed in (1, 2)),
    ]
    declared = FROM + "  - {dataset: digits, norm: bn, batch_size: 32, epochs: 10, seeds: 3}\n"
    assert len(parse("x", declared).trials()) == 7


def test_several_parents_and_a_chain():
    text = HEAD + "from: [{norm: bn}, {norm: ln, from: {norm: bn, batch_size: 32}}]}\n"
    trials = parse("x", text).trials()
    assert len(trials) == 8 + 4 + 4 + 2
    for trial in trials:
        assert trial.parent is None or trials.index(trial.parent) < trials.index(trial)


def test_what_the_command_line_says_is_the_blocks_and_what_from_says_stays():
    trials = adjust(parse("x", FROM), {"batch_size": (4,), "epochs": (1,), "seeds": (5,)})
    assert [(t.norm, t.batch_size, t.epochs, t.seed) for t in trials] == [("bn", 32, 1, 5), ("gn", 4, 1, 5)]


def test_start_on_the_command_line():
    trials = adjust(find("demo"), {"start": ("norm=bn batch_size=32",), "norm": ("gn",), "seeds": (1,)})
    assert [(t.norm, t.batch_size) for t in trials] == [("bn", 32), ("gn", 32), ("gn", 8), ("gn", 2)]
    with pytest.raises(InputError, match="width 2 there and 1 here"):
        adjust(find("demo"), {"start": ("width=2",)})


def test_in_a_zip():
    text = (
        "blocks:\n  - {dataset: digits, norm: bn, epochs: 10, seeds: 1, "
        "zip: {batch_size: [8, 2], from: [{batch_size: 32}, {batch_size: 8}]}}"
    )
    assert [t.start for t in parse("x", text).trials() if t.start] == [
        "norm=bn batch_size=32",
        "norm=bn batch_size=8",
    ]
    assert len(adjust(parse("x", text), {"epochs": (2,)})) == 4


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("from: {norm: nn}", "x.yaml line 3: blocks[0].from.norm: 'nn' is none of bn, gn"),
        ("from: {norm: bn, groups: 4}", "line 3: blocks[0].from: groups is for the norms gn, rms"),
        ("from: {norm: bn, batch_size: [32, 8]}", "from.batch_size: expected one value; write a block for"),
        ("from: {seeds: 3}", "from.seeds: a seed starts from the parent's own of that number"),
        ("from: {wdith: 2}", "line 3: blocks[0].from: wdith is no axis of a trial"),
        ("from: bn", "from: 'bn' is no axis with a value"),
        ("from: 3", "from: expected a mapping of axes, such as {norm: bn, batch_size: 32}"),
        ("from: []", "from: is an empty list; give at least one value"),
        ("from: [{norm: bn}, {norm: bn}]", "line 3: blocks[0].from: given twice: norm=bn"),
        ("from: &a {norm: bn, from: *a}", "the YAML does not parse: an alias holds itself"),
        ("from: {model: resnet32}", "line 3: blocks[0].from: model resnet32 there and resnet20 here"),
        ("form: {norm: bn}", "unknown key"),
    ],
)
def test_mistakes_are_told_by_line_and_key(said, words):
    with pytest.raises(InputError) as raised:
        parse("x", HEAD + said + "}\n")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
