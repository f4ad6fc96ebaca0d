"""Every folder of examples/ does what its grid says, and is short enough to be read at once."""

import os
import sys

import pandas
import pytest

from orchestrator.grid.parse import find
from orchestrator.run import main
from tests.helpers import ROOT

FOLDERS = sorted(
    path for path in (ROOT / "examples").iterdir() if path.is_dir() and list(path.glob("*.yaml"))
)
#: One epoch at the largest batch size, two seeds in a pack: everything that the grid names is trained.
SHORT = ["--epochs", "1", "--batch-sizes", "32", "--seeds", "2", "--executor", "inline"]


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def example(request, monkeypatch):
    """An example, whose modules Python finds as it does for who starts in its folder."""
    monkeypatch.chdir(request.param)
    monkeypatch.syspath_prepend(os.getcwd())
    before = set(sys.modules)
    yield request.param
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(request.param)):
            del sys.modules[name]


@pytest.mark.slow
def test_an_example_trains_and_reports(example, tmp_path, capsys):
    (grid,) = example.glob("*.yaml")
    assert main(["--grid", grid.name, *SHORT, "--results", str(tmp_path)]) == 0, capsys.readouterr().err
    frame = pandas.read_csv(tmp_path / "results.csv")
    assert (frame["status"] == "done").all()
    assert frame["test_error"].between(0, 100).all()
    named = {
        str(value)
        for trial in find(str(grid)).trials()
        for value in vars(trial).values()
        if ":" in str(value)
    }
    assert named, "an example has something of one's own"
    assert named <= {str(value) for column in ("dataset", "model", "norm") for value in frame[column]}
    assert "</html>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_example_is_short(example):
    files = [path for path in example.rglob("*") if path.suffix in {".py", ".yaml"}]
    assert files
    for path in files:
        assert len(path.read_text().splitlines()) < 60, path


def test_every_example_is_in_the_index():
    index = (ROOT / "examples/README.md").read_text()
    assert [path.name for path in FOLDERS if f"]({path.name})" not in index] == []
