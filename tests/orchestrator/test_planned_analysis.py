"""An analysis that is said beforehand: written before the first trial, told when it changes, marked on the page."""

import json

import pytest

from orchestrator.results.analysis_plan import digest_of
from orchestrator.run import main

GRID = """\
analysis: {margin: 0.5, comparisons: bn, at: 4, claims: [difference, change]}
blocks:
  - {dataset: imagefolder, norm: bn,            batch_size: [8, 4], epochs: 1, seeds: 1}
  - {dataset: imagefolder, norm: gn, groups: 4, batch_size: [8, 4], epochs: 1, seeds: 1}
"""


@pytest.fixture
def run(tmp_path, images, capsys):
    """Runs a grid's text inline; gives exit code, stdout and stderr."""

    def call(text, *arguments):
        path = tmp_path / "planned.yaml"
        path.write_text(text)
        common = ["--grid", str(path), "--data-dir", str(images), "--executor", "inline"]
        code = main([*common, "--results", str(tmp_path / "out"), *arguments])
        return code, *capsys.readouterr()

    return call


def versions(folder):
    return json.loads((folder / "out" / "sweep.json").read_text())["analysis"]


def test_it_is_there_before_the_first_trial_and_both_stand_when_it_changes(run, tmp_path):
    assert run(GRID)[0] == 0
    (first,) = versions(tmp_path)
    assert (first["results"], first["sha256"]) == (0, digest_of(first["plan"]))
    assert first["plan"]["at"] == [4]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Claims are planned if they were written down before any trial had a result" in page
    assert "post hoc</td>" in page
    assert "within the planned margin of ±0.5 points" in page
    assert "Seeds are added" not in page
    code, out, _ = run(GRID.replace("0.5", "2"))
    assert code == 0
    assert "the plan of the analysis is another than that of" in out
    assert [version["results"] for version in versions(tmp_path)] == [0, 4]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The plan was changed once since, and what changed counts as post hoc." in page
    assert "margin ±0.5 points" in page
    assert "margin ±2 points" in page


def test_limits_of_the_command_line_go_with_the_rule_of_the_grid(run, tmp_path):
    text = GRID.replace("0.5,", "0.5, stopping: {until_ci: 90, max_seeds: 9},")
    code, out, _ = run(text, "--max-seeds", "3", "--dry-run")
    assert code == 0
    assert "with 1 to 3 seeds a cell" in out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("at: 4", "at: 5", "analysis.at: 5 is no batch size of this grid, which has 4, 8"),
        ("comparisons: bn", "comparisons: ln", "the grid's analysis cannot be made: --base ln is no line"),
        ("0.5,", "0.5, x: lrr,", "the grid's analysis cannot be made: --x lrr is no axis"),
        ("0.5,", "0.5, stopping: {until_ci: 0, max_seeds: 9},", "input should be greater than 0"),
    ],
)
def test_what_cannot_be_made_is_told_before_anything_is_written(run, tmp_path, old, new, message):
    code, _, err = run(GRID.replace(old, new))
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()
