"""Axes that not every norm has: in a product each norm takes part with those it has, and ids say no more."""

import pytest

from model.errors import InputError
from orchestrator.grid.parse import parse
from orchestrator.grid.trial import Trial

BASE = {"norm": "bn", "batch_size": 32, "seed": 1}


def trials(block):
    return parse("x", f"blocks: [{block}]").trials()


def test_a_norm_that_lacks_an_axis_takes_part_once():
    found = trials(
        "{norm: [bn, gn, dyt], groups: [8, 4], eps: [0.001, 0.01], norm_batch: [2, 4], batch_size: 8, seeds: 1}"
    )
    assert {(t.groups, t.eps, t.norm_batch) for t in found if t.norm == "bn"} == {
        (None, eps, size) for eps in (1e-3, 1e-2) for size in (2, 4)
    }
    assert len(found) == 4 + 4 + 1
    assert {(t.groups, t.eps, t.norm_batch) for t in found if t.norm == "gn"} == {
        (g, eps, None) for g in (8, 4) for eps in (1e-3, 1e-2)
    }
    assert [(t.groups, t.eps, t.norm_batch) for t in found if t.norm == "dyt"] == [(None, None, None)]


@pytest.mark.parametrize(
    ("norm", "eps", "momentum"), [("bn", 1e-5, 0.1), ("frn", 1e-6, None), ("brn", 1e-5, 0.01)]
)
def test_a_norms_own_values_go_without_saying(norm, eps, momentum):
    plain = Trial(**{**BASE, "norm": norm})
    assert (plain.eps, plain.norm_momentum) == (eps, momentum)
    assert not {"eps", "norm_momentum", "norm_batch", "weight_standardization"} & set(plain.identity)
    said = Trial(**{**BASE, "norm": norm}, eps=eps, norm_momentum=momentum)
    assert said.trial_id == plain.trial_id
    assert Trial.from_identity(plain.identity) == plain
    assert Trial.from_identity(Trial(**{**BASE, "norm": norm}, eps=0.5).identity).eps == 0.5


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{norm: gn, groups: 8, norm_batch: 2, batch_size: 4, seeds: 1}", "norm_batch: is for the norms bn"),
        ("{norm: bn, norm_batch: 3, batch_size: 4, seeds: 1}", "does not divide batch size 4"),
        ("{norm: none, eps: 0.1, batch_size: 4, seeds: 1}", "eps: is for the norms"),
    ],
)
def test_what_no_norm_of_a_block_has_is_refused(block, message):
    with pytest.raises(InputError, match=message):
        trials(block)


def test_an_own_norm_takes_g_where_it_has_a_parameter_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "gridlab.py").write_text(
        "class Mine:\n    def __init__(self, channels, replicas, groups): ...\n\n\ndef other(channels): ...\n"
    )
    found = trials("{norm: [gn, 'gridlab:Mine', 'gridlab:other'], groups: [8, 4], batch_size: 4, seeds: 1}")
    assert [(t.norm.partition("@")[0], t.groups) for t in found] == [
        ("gn", 8),
        ("gn", 4),
        ("gridlab:Mine", 8),
        ("gridlab:Mine", 4),
        ("gridlab:other", None),
    ]
    assert found[2].trial_id.startswith("cifar10-resnet20-mine8-b4-s1-")
    (tmp_path / "gridlab.py").unlink()
    assert Trial.from_identity(found[2].identity) == found[2]  # results are read where the file is not
