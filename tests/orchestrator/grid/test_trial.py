"""Identity: a trial's id may never change by accident, nor two different trials share one."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from orchestrator.grid.trial import Trial
from orchestrator.planning.options import Options

BASE = {"dataset": "cifar10", "norm": "gn", "groups": 8, "batch_size": 32, "seed": 1}

# Kept for ever: a change here orphans every result that users have.
GOLDEN = {
    "cifar10-resnet20-gn8-b32-s1-851be0b6f0e2": BASE,
    "cifar10-resnet20-bn-b2-s5-be41b0002d25": {
        "dataset": "cifar10",
        "norm": "bn",
        "batch_size": 2,
        "seed": 5,
    },
    "cifar10-resnet20-bn-b128-s1-41eaef77eced": {
        "dataset": "cifar10",
        "norm": "bn",
        "batch_size": 128,
        "recipe": "he2015",
        "seed": 1,
    },
    "digits-resnet56-in-b8-s0-8372d9e97256": {
        "dataset": "digits",
        "model": "resnet56",
        "shortcut": "identity",
        "norm": "in",
        "batch_size": 8,
        "epochs": 3,
        "holdout": 100,
        "seed": 0,
    },
}


@pytest.mark.parametrize(("trial_id", "fields"), GOLDEN.items())
def test_golden_ids(trial_id, fields):
    assert Trial(**fields).trial_id == trial_id


@pytest.mark.parametrize("value", [32, 32.0, "32"])
def test_spellings_of_a_number_agree(value):
    assert Trial(**{**BASE, "batch_size": value}).trial_id == Trial(**BASE).trial_id


@pytest.mark.parametrize("value", [True, 32.5, "x", 0, -2, None])
def test_what_is_no_batch_size(value):
    with pytest.raises(ValidationError):
        Trial(**{**BASE, "batch_size": value})


def test_the_recipe_gives_the_length():
    assert Trial(**BASE).trial_id == Trial(**BASE, epochs=100).trial_id
    assert Trial(**{**BASE, "recipe": "he2015"}).iterations == 64_000


def test_every_identity_field_changes_the_id():
    changes = {
        "dataset": "cifar100",
        "model": "resnet32",
        "shortcut": "identity",
        "width": 2,
        "zero_gamma": False,
        "norm": "ln",
        "groups": 4,
        "batch_size": 16,
        "recipe": "he2015",
        "epochs": 99,
        "iterations": 1000,
        "holdout": 5000,
        "train_size": 1000,
        "label_noise": 0.2,
        "lr": 0.05,
        "weight_decay": 0.0,
        "momentum": 0.5,
        "norm_batch": 8,
        "norm_momentum": 0.2,
        "eps": 1e-3,
        "weight_standardization": True,
        "lr_scaling": "sqrt",
        "schedule": "cosine",
        "warmup_epochs": 5,
        "optimizer": "sgd-nesterov",
        "decay_norm": False,
        "grad_clip": "norm",
        "clip_at": 0.5,
        "label_smoothing": 0.1,
        "augment": "none",
        "precision": "bf16",
        "start": "norm=bn batch_size=32",
        "seed": 2,
    }
    assert set(changes) == {field.name for field in fields(Trial)}, (
        "a new field needs a line here and a thought about old ids"
    )
    ids = {Trial(**BASE).trial_id}
    for name, value in changes.items():
        changed = {**BASE, name: value}
        if name in {"norm_batch", "norm_momentum"}:
            changed["norm"] = "bn"
        if name == "clip_at":
            changed["grad_clip"] = "norm"
        if changed["norm"] != "gn":
            del changed["groups"]
        ids.add(Trial(**changed).trial_id)
    assert len(ids) == len(changes) + 1


def test_the_protocol_changes_the_id(monkeypatch):
    before = Trial(**BASE).trial_id
    monkeypatch.setattr("orchestrator.grid.trial.PROTOCOL", 2)
    assert Trial(**BASE).trial_id != before


def test_no_execution_option_is_identity():
    assert not set(Options.__dataclass_fields__) & {field.name for field in fields(Trial)}
    with pytest.raises(ValidationError):
        Trial(**BASE, device="cuda")


def test_an_axis_added_later_leaves_old_ids_alone():
    """What it had before, or the recipe's, goes unsaid in an identity; said, it is the same trial."""
    old = Trial(**BASE)
    assert not {"lr", "weight_decay", "momentum"} & set(old.identity)
    assert Trial(**BASE, lr="0.1", momentum=0.9) == old
    assert Trial(**BASE, lr=0.05).identity == {**old.identity, "lr": 0.05}
    assert Trial.from_identity(Trial(**BASE, lr=0.05).identity).lr == 0.05


def test_an_optimisers_own_rate_goes_unsaid():
    """As a recipe's does; said, it is the same trial, and where trials clip is always written down."""
    plain = Trial(**BASE, optimizer="adamw")
    assert plain == Trial(**BASE, optimizer="adamw", lr=0.001, weight_decay=0.01)
    assert plain.identity == {**Trial(**BASE).identity, "optimizer": "adamw"}
    recipes = Trial(**BASE, optimizer="adamw", lr=0.1, weight_decay=1e-4)
    assert recipes.identity == {**plain.identity, "lr": 0.1, "weight_decay": 1e-4}
    clipped = Trial(**BASE, grad_clip="agc")
    assert clipped.identity == {**Trial(**BASE).identity, "grad_clip": "agc", "clip_at": 0.01}
    for trial in (plain, recipes, clipped, Trial(**BASE, decay_norm=False)):
        assert Trial.from_identity(trial.identity) == trial


def test_identity_round_trip():
    trial = Trial(**BASE)
    assert Trial.from_identity(trial.identity) == trial
    with pytest.raises(ValueError, match="protocol"):
        Trial.from_identity({**trial.identity, "protocol": 99})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 3}, "does not divide"),
        ({"groups": None}, "needs groups"),
        ({"norm": "bn"}, "for the norms gn, rms"),
        ({"epochs": 1, "iterations": 1}, "not both"),
        ({"norm_batch": 2}, "norm_batch is for the norms bn, bgn, brn, evob0, not gn"),
        ({"norm_momentum": 0.2}, "norm_momentum is for the norms bn"),
        ({"norm": "dyt", "groups": None, "eps": 1e-3}, "eps is for the norms"),
        ({"norm": "bn", "groups": None, "norm_batch": 3}, "norm_batch: 3 does not divide batch size 32"),
        ({"norm": "bn", "groups": None, "eps": 0.0}, "greater than 0"),
        ({"model": "vgg", "zero_gamma": False}, "zero_gamma: the network vgg has no such choice"),
        ({"model": "vgg", "weight_standardization": True}, "weight_standardization: the network vgg"),
        (
            {"model": "nets:Net@0123456789ab", "shortcut": "identity"},
            "shortcut: the network nets:Net has no such",
        ),
        ({"epochs": 3, "warmup_epochs": 3}, "leave nothing after"),
        ({"optimizer": "sgd-nesterov", "momentum": 0}, "above 0"),
        ({"optimizer": "adamw", "momentum": 1.0}, "β1 of adamw, which needs one below 1"),
        (
            {"weight_decay": 0.0, "decay_norm": False},
            "decay_norm: false changes nothing where weight_decay is 0",
        ),
        ({"clip_at": 1.0}, "clip_at: nothing is clipped where grad_clip is none"),
        ({"grad_clip": "agc", "clip_at": 0.0}, "greater than 0"),
        ({"grad_clip": "value"}, "'value' is none of none, norm, agc"),
        ({"optimizer": "adam"}, "'adam' is none of sgd, sgd-nesterov, adamw"),
    ],
)
def test_inconsistent_trials(changes, message):
    with pytest.raises(ValidationError, match=message):
        Trial(**{**BASE, **changes})
