"""Two ids, one cell: told where it can be known, and true."""

import pytest
import torch

from model.spec import Spec
from model.training.training import Training
from orchestrator.grid.parse import parse
from orchestrator.planning.alike import alike
from orchestrator.run import main
from tests.helpers.cells import spec, toy_data

PAIRS = [
    ({"norm": "gn", "groups": 1}, {"norm": "ln"}),
    ({"norm": "bn", "batch_size": 32}, {"norm": "bn", "batch_size": 32, "lr_scaling": "sqrt"}),
]


def trained(cell: Spec):
    training = Training(cell, [1], toy_data(n=64))
    training.run_epoch()
    return training.weights()[0]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_is_told_to_be_the_same_is(one, other):
    cells = [spec(**one), spec(**other)]
    (line,) = alike(cells)
    assert line.startswith(f"the same numbers under two ids: {cells[0].name} is {cells[1].name}. Both are")
    first, second = map(trained, cells)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"norm": "gn", "groups": 2}, {"norm": "ln"}),
        ({"norm": "gn", "groups": 1, "eps": 1e-3}, {"norm": "ln"}),
        ({"norm": "rms", "groups": 1}, {"norm": "ln"}),
        ({"batch_size": 8}, {"batch_size": 8, "lr_scaling": "sqrt"}),
    ],
)
def test_what_differs_is_not_told(one, other):
    assert alike([spec(**one), spec(**other), spec(**other)]) == []


def test_many_are_one_line():
    grid = parse("x", "blocks: [{norm: [ln, gn], groups: 1, batch_size: [16, 8, 4], seeds: 2}]")
    (line,) = alike(trial.spec for trial in grid.trials())
    assert "and so for 1 more" in line
    assert line.count(" is gn ") == 2


def test_the_plan_tells_it(tmp_path, images, capsys):
    grid = tmp_path / "g.yaml"
    grid.write_text(
        "blocks: [{dataset: imagefolder, norm: [ln, gn], groups: 1, batch_size: 4, epochs: 1, seeds: 1}]"
    )
    arguments = ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--dry-run"]
    assert main([*arguments, "--results", str(tmp_path / "out")]) == 0
    assert (
        "warning: the same numbers under two ids: ln, batch 4 is gn G=1, batch 4." in capsys.readouterr().out
    )
