"""A sweep that searches, through the command line: its plan grows from its results, whatever happens."""

import json
import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest

from model.training.training import Training
from orchestrator.results.files import Files
from orchestrator.results.store import Store
from orchestrator.run import main
from orchestrator.status import main as status_command
from orchestrator.status import searches
from tests.helpers.numbers_of import numbers

CELLS = "dataset: imagefolder, norm: [bn, gn], groups: 4, batch_size: 4, epochs: 2, seeds: 2"
GRID = f"""\
blocks:
  - {{{CELLS}}}
  - {{{CELLS}, holdout: 4, tune: {{lr: [0.02, 0.1, 0.5], on: holdout, seeds: 2}}}}
"""
#: Epochs of packs until the searches have ended.
SEARCHED = 8


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, images):
    grid = tmp_path_factory.mktemp("grid") / "tuned.yaml"
    grid.write_text(GRID)
    return ["--grid", str(grid), "--data-dir", str(images), "--executor", "inline", "--pack", "6"]


@pytest.fixture(scope="module")
def whole(tuned, tmp_path_factory):
    """The folder of the undisturbed run."""
    folder = tmp_path_factory.mktemp("whole")
    assert main([*tuned, "--results", str(folder)]) == 0
    return folder


def chosen(folder):
    """Norm -> the rate with the lowest mean error on the hold-out, from results.csv."""
    rows = pd.read_csv(folder / "results.csv")
    searching = rows[rows["holdout"] == 4]
    assert sorted(searching["seed"].unique()) == [10001, 10002]
    means = searching.groupby(["norm", "lr"])["val_error"].apply(np.mean).round(9).reset_index()
    return {norm: own.sort_values(["val_error", "lr"])["lr"].iloc[0] for norm, own in means.groupby("norm")}


def test_what_was_chosen_is_trained_on_everything_as_if_somebody_had_written_it(
    whole, tuned, images, tmp_path
):
    rates = chosen(whole)
    blocks = [
        f"{{dataset: imagefolder, norm: {norm}, {'groups: 4, ' * (norm == 'gn')}batch_size: 4, epochs: 2, seeds: 2, lr: {lr}}}"
        for norm, lr in rates.items()
    ]
    grid = tmp_path / "written.yaml"
    grid.write_text(f"blocks: [{', '.join(blocks)}]")
    arguments = ["--grid", str(grid), *tuned[2:], "--results", str(tmp_path / "out")]
    assert main(arguments) == 0
    found, written = numbers(whole), numbers(tmp_path / "out")
    assert len(written) == 4
    assert {i: found[i] for i in written} == written
    rows = pd.read_csv(whole / "results.csv")
    assert set(rows["trial_id"][rows["tuning"] == "chosen"]) == {i for i in written if "bn" in i}, (
        "gn's rate is that of the recipe"
    )
    assert rates == {"bn": 0.5, "gn": 0.1}


def test_status_says_what_was_chosen(whole, capsys):
    found = searches(str(whole))
    assert [(one["cell"], one["trials"], one["ended"]) for one in found] == [
        ("bn, batch 4", 6, 6),
        ("gn G=4, batch 4", 6, 6),
    ]
    assert [one["chosen"] for one in found] == [{"lr": rate} for rate in chosen(whole).values()]
    assert status_command([str(whole)]) == 0
    out = capsys.readouterr().out
    assert "searches: 2 of 2 have ended, 12 of their 12 trials have a result" in out
    assert "Chosen for bn, batch 4: learning rate 0.5" in out
    assert status_command([str(whole), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["searches"] == found


def test_status_of_a_search_that_goes_on_and_of_one_that_nobody_can_read(whole, tmp_path, capsys):
    folder = shutil.copytree(whole, tmp_path / "out")
    trial = next(folder.glob("trials/*gn4-b4-s10002*"))
    shutil.rmtree(trial)
    going = searches(str(folder))[1]
    assert (going["ended"], going["chosen"]) == (5, None)
    assert status_command([str(folder)]) == 0
    assert "searches: 1 of 2 have ended, 11 of their 12 trials have a result" in capsys.readouterr().out
    files = Files(str(folder))
    sweep = {key: value for key, value in files.read_json("sweep.json").items() if key != "sha256"}
    (bn, gn), first = sweep["tuning"]["searches"], sweep["tuning"]["searches"][0][0]
    for spoilt in ({**first, "search": []}, {**first, "search": ["no-trial"]}, {**first, "values": {"x": 1}}):
        record = {**sweep["tuning"], "searches": [[spoilt, *bn[1:]], gn]}
        files.write_json("sweep.json", {**sweep, "tuning": record})
        assert len(searches(str(folder))) <= 1


@pytest.mark.parametrize(
    "count", [SEARCHED, *(pytest.param(count, marks=pytest.mark.slow) for count in (3, SEARCHED + 1))]
)
def test_stopped_and_run_again(tuned, whole, tmp_path, at_epoch, capsys, count):
    at_epoch(count, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert main([*tuned, "--results", str(tmp_path)]) == 130, (
        "there is more to train, also where the search has just ended"
    )
    assert "Interrupted" in capsys.readouterr().out
    assert len(Store(str(tmp_path)).scan()) >= 16
    assert main([*tuned, "--results", str(tmp_path)]) == 0
    assert numbers(tmp_path) == numbers(whole)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_on_ray_it_chooses_and_trains_the_same(tuned, whole, tmp_path):
    arguments = [part if part != "inline" else "ray" for part in tuned]
    assert main([*arguments, "--results", str(tmp_path)]) == 0
    assert numbers(tmp_path) == numbers(whole)


@pytest.mark.slow
def test_run_again_and_widened_the_choice_stays(tuned, whole, tmp_path, monkeypatch, capsys):
    arguments = [*tuned, "--results", str(tmp_path)]
    assert main(arguments) == 0
    trained = []
    real = Training.run_epoch
    monkeypatch.setattr(Training, "run_epoch", lambda self: trained.append(self.data.info.name) or real(self))
    assert main(arguments) == 0
    assert not trained
    assert main([*arguments, "--seeds", "3"]) == 0
    more = set(numbers(tmp_path)) - set(numbers(whole))
    rows = pd.read_csv(tmp_path / "results.csv").set_index("trial_id").loc[sorted(more)]
    assert set(rows["seed"]) == {3}
    assert set(rows["holdout"]) == {0}
    assert "every norm has the same budget" in capsys.readouterr().out


@pytest.mark.slow
def test_a_search_trial_that_fails_is_told_and_its_cell_waits(tuned, whole, tmp_path, monkeypatch, capsys):
    real = Training.run_epoch

    def run_epoch(self):
        spec = self.specs[0] if hasattr(self, "specs") else self.spec
        if spec.norm == "bn" and spec.holdout and self.data.info.name != "noise":
            raise RuntimeError("it broke")
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_epoch", run_epoch)
        assert main([*tuned, "--results", str(tmp_path), "--max-failures", "1"]) == 1
    out = capsys.readouterr().out
    assert (
        "Nothing is chosen for bn, batch 4 yet: 6 trials have no result, so it is not trained on everything."
        in out
    )
    assert "Chosen for gn G=4, batch 4: learning rate" in out
    assert "--retry-failed" in out
    assert main([*tuned, "--results", str(tmp_path), "--retry-failed"]) == 0
    assert numbers(tmp_path) == numbers(whole)


@pytest.mark.slow
def test_where_every_value_diverges_there_is_nothing_to_choose(images, tmp_path, capsys):
    grid = tmp_path / "wild.yaml"
    grid.write_text(
        "blocks: [{dataset: imagefolder, norm: bn, batch_size: 4, epochs: 2, seeds: 2, holdout: 4, "
        "tune: {lr: [1.0e+8, 1.0e+9], on: holdout, seeds: 2}}]"
    )
    code = main(
        [
            "--grid",
            str(grid),
            "--data-dir",
            str(images),
            "--executor",
            "inline",
            "--results",
            str(tmp_path / "out"),
        ]
    )
    out = capsys.readouterr().out
    assert code == 1
    assert (
        "Nothing can be chosen for bn, batch 4: trials of every value diverged. Give `tune` other values"
        in out
    )
    assert (tmp_path / "out" / "report.html").exists()


def test_the_plan_says_both_stages_and_writes_nothing(tuned, tmp_path, capsys):
    assert main([*tuned, "--results", str(tmp_path / "out"), "--dry-run"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "16 trials in" in out
    assert "bn, batch 4: search 6 0 6" in out
    assert "3 values × 2 seeds = 6 trials search for each of 2 cells: every norm has the same budget." in out
    assert "then 4 trials in 2 cells, on all training images with what each search chose" in out
    assert "in all" in out
    assert not (tmp_path / "out").exists()


def test_a_mistake_is_one_line(tuned, tmp_path, capsys):
    assert main([*tuned, "--set", "lr=0.1", "--results", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "lr is searched in this grid (tune)" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_rule_for_seeds_does_not_go_with_a_search(tuned, tmp_path, capsys):
    arguments = [*tuned, "--until-decided", "--max-seeds", "9", "--results", str(tmp_path / "out")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "this one searches for some (tune)" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
