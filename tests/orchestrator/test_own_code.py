"""Code of one's own through the command: what reaches a network, and what is one error before anything trains."""

import re
import sys

import pandas
import pytest

from orchestrator.evaluate import load_network
from orchestrator.run import main
from tests.helpers.tiny import make_images

NETS = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels, classes, norm, width):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(in_channels, 5 * width, 3), norm(5 * width)
        self.out = nn.Linear(5 * width, classes)
    def forward(self, x):
        return self.out(self.norm(self.conv(x)).relu().mean((2, 3)))

class Pooled(nn.Module):
    def __init__(self, in_channels, classes, norm):
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(in_channels, 5, 3), norm(5), nn.Linear(5, classes)
    def forward(self, x):
        return self.out(self.norm(self.conv(x).mean((2, 3))))
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A user's folder: a network, images and a grid."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "width_lab.py").write_text(NETS)
    yield tmp_path
    sys.modules.pop("width_lab", None)


def run(folder, block, *more):
    (folder / "mine.yaml").write_text(f"blocks: [{{dataset: imagefolder, epochs: 1, {block}}}]")
    options = ["--data-dir", "images", "--results", "results", "--executor", "inline"]
    return main(["--grid", "mine.yaml", *options, *more])


def test_width_reaches_an_own_network_from_a_grid(here, capsys):
    make_images(here / "images")
    block = 'model: "width_lab:Net", norm: bn, width: [1, 3], batch_size: 4, seeds: 1'
    assert run(here, block) == 0, capsys.readouterr().err
    rows = pandas.read_csv(here / "results/results.csv")
    assert sorted(rows["width"]) == [1, 3]
    for trial, width in zip(rows["trial_id"], rows["width"], strict=True):
        net = load_network("results", trial)
        assert net.conv.weight.shape == (5 * width, 3, 3, 3)
        assert net.out.weight.shape == (2, 5 * width)


def test_width_of_an_own_network_on_the_command_line(here, capsys):
    make_images(here / "images")
    block = 'model: "width_lab:Net", norm: bn, batch_size: 4, seeds: 1'
    assert run(here, block, "--set", "width=2,4", "--dry-run") == 0
    assert re.search("2× width.*\n.*4× width", capsys.readouterr().out)


def test_cells_whose_variance_would_be_of_one_value_are_named_before_anything_is_written(here, capsys):
    """Images of 4×4, of which ResNet-20 makes maps of one pixel."""
    make_images(here / "images", size=4)
    assert run(here, "norm: [bn, ln, brn], batch_size: [4, 1], seeds: 1") == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "error: bn, batch 1; brn, batch 1: a variance would be of one value, since maps of "
    )
    assert "two images or more (batch_size, norm_batch)" in said
    assert said.count("\n") == 1
    assert not list((here / "results").rglob("*.json"))
    assert run(here, "norm: [bn, ln, brn], batch_size: 4, seeds: 1", "--dry-run") == 0


def test_a_finished_trial_is_asked_nothing(here, capsys, monkeypatch):
    """Instance norm of one pixel was trained before it was refused; its sweep goes on without it."""
    make_images(here / "images")
    block = 'model: "width_lab:Pooled", norm: in, batch_size: 4, seeds: 1'
    with monkeypatch.context() as before:
        before.setattr("model.training.first_step._in_doubt", lambda *_: False)
        assert run(here, block) == 0, capsys.readouterr().err
    assert run(here, block.replace("in,", "[in, ln],"), "--dry-run") == 0
    assert run(here, block.replace("seeds: 1", "seeds: 2"), "--dry-run") == 2
    assert capsys.readouterr().err.startswith("error: in, batch 4: a variance would be of one value")
