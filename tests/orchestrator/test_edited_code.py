"""The code is edited between two runs of one folder: refused, accepted, and told apart ever after."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from analysis import tables
from model.training.training import Training
from orchestrator import status
from orchestrator.results import source
from orchestrator.results.files import Files
from orchestrator.results.source import training_code
from orchestrator.results.store import Store
from orchestrator.run import main
from tests.helpers import ROOT
from tests.helpers.code import as_old, edited
from tests.helpers.processes import interrupt

RECIPE = ("model/recipe.py", "weight_decay=1e-4", "weight_decay=5e-4")
NORMS = ("model/net/norms/batch.py", "def ", "WIDER = 2\n\n\ndef ")
BN = ("--norms", "bn", "--epochs", "1")
ONE = ("--norms", "bn", "--seeds", "1")


@pytest.fixture
def edit(tmp_path_factory, monkeypatch):
    """The source as somebody edited it; gives the new digest. This process trains on as it is."""

    def make(path, old, new):
        monkeypatch.setattr(source, "ROOT", edited(tmp_path_factory.mktemp("edited"), path, old, new))
        training_code.cache_clear()
        return training_code().digest

    yield make
    monkeypatch.undo()
    training_code.cache_clear()


@pytest.fixture(scope="module")
def two_done(command, tmp_path_factory):
    """Two finished trials of one epoch."""
    folder = tmp_path_factory.mktemp("done") / "out"
    assert main([*command, *BN, "--seeds", "2", "--results", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def half(command, tmp_path_factory):
    """One trial with two of its four epochs."""
    folder = tmp_path_factory.mktemp("half") / "out"
    real = Training.run_epoch

    def run_epoch(self):
        metrics = real(self)
        if self.data.info.name != "noise" and self.epoch == 2:
            interrupt()
        return metrics

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "run_epoch", run_epoch)
        assert main([*command, *ONE, "--results", str(folder)]) == 130
    return folder


@pytest.fixture
def run(command, tmp_path, capsys):
    """The command line on `tmp_path / "out"`; gives exit code, stdout and stderr."""

    def call(*more):
        code = main([*command, "--results", str(tmp_path / "out"), *more])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def out(tmp_path, two_done):
    """A copy of the two finished trials, for `run`."""
    return shutil.copytree(two_done, tmp_path / "out")


@pytest.fixture
def out_half(tmp_path, half):
    return shutil.copytree(half, tmp_path / "out")


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_that_would_mix_is_refused_and_writes_nothing(run, edit, out):
    before, files = training_code().digest, contents(out)
    now = edit(*RECIPE)
    for more in ((), ("--dry-run",)):
        code, printed, err = run(*BN, *more)
        assert (code, printed) == (2, "")
        for part in ("2 trials by other code", f"{before[:7]}, now {now[:7]}", "model/recipe.py differs"):
            assert part in err
        for way in ("--results", "--accept-code", "PROTOCOL in orchestrator/grid/trial.py"):
            assert way in err
        assert err.startswith("error: ")
        assert err.count("\n") == 2
        assert contents(out) == files


@pytest.mark.parametrize(
    "harmless",
    [
        ("model/recipe.py", '"""', '"""In other words. '),
        ("model/bench/check.py", "import", "import abc\nimport"),
    ],
)
def test_what_changes_no_number_is_no_other_code(run, edit, out, harmless):
    edit(*harmless)
    assert run(*BN)[0] == 0


def test_a_finished_sweep_is_told_and_not_refused(run, edit, out):
    edit(*RECIPE)
    for _ in range(2):  # as long as it is so
        code, printed, _ = run(*BN, "--seeds", "2")
        assert code == 0
        assert "2 done, 0 to run" in printed
        assert "model/recipe.py differs. Nothing is trained again" in printed


def test_accepted_it_is_told_apart_by_whoever_reads(run, edit, out, capsys):
    old, new = training_code().digest, edit(*RECIPE)
    code, printed, _ = run(*BN, "--accept-code")
    assert code == 0
    assert "as --accept-code says, this run adds to 2 trials by other code" in printed
    assert pd.read_csv(out / "results.csv").set_index("seed")["code"].to_dict() == {1: old, 2: old, 3: new}
    sentence = (
        f"Not all results here were trained by the same code: 2 trials by {old[:7]} (bn, batch 4), "
        f"1 trial by {new[:7]} (bn, batch 4). They differ in model/recipe.py."
    )
    both = f"2 {old[:7]}, 1 {new[:7]}"
    page = (out / "report.html").read_text()
    assert (
        "they differ in the commit and the code that trains" in page
        or "they differ in the code that trains" in page
    )
    assert sentence in page
    assert both in page
    found = status.status(str(out))
    assert sentence in found["warnings"]
    assert [trial["code"] for trial in found["trials"]] == [[old], [old], [new]]
    assert status.main([str(out)]) == 0
    assert old[:7] in capsys.readouterr().out
    for form in tables.FORMATS:
        assert tables.main([str(out), "--format", form]) == 0
        printed = capsys.readouterr()
        assert sentence in printed.err
        assert both in printed.out


def test_accepted_once_is_accepted_but_other_edits_are_asked_again(run, edit, out):
    edit(*RECIPE)
    assert run(*BN, "--accept-code")[0] == 0
    code, printed, _ = run(*BN, "--seeds", "4")
    assert (code, "as accepted before" in printed) == (0, True)
    edit(*NORMS)
    code, _, err = run(*BN, "--seeds", "5")
    assert code == 2
    assert "4 trials by other code" in err
    assert "model/net/norms/batch.py and model/recipe.py differ" in err


def test_a_half_trained_trial_is_the_same_question(run, edit, out_half):
    """Its checkpoint was made by other code: refused; accepted, its epochs say who trained them."""
    old, files = training_code().digest, contents(out_half)
    new = edit(*RECIPE)
    code, _, err = run(*ONE)
    assert (code, "1 trial (half-trained) by other code" in err) == (2, True)
    assert contents(out_half) == files
    assert run(*ONE, "--accept-code")[0] == 0
    (state,) = Store(str(out_half)).scan(history=True).values()
    assert state.result["code"] == [old, new]
    assert [entry["code"] for entry in state.records] == [old, old, new, new]
    assert (
        f"1 trial by {old[:7]} and then {new[:7]} (bn, batch 4)"
        in status.status(str(out_half))["warnings"][0]
    )
    # made again from the weights' own account of its epochs
    (path,) = out_half.glob("trials/*/result.json")
    before = path.read_bytes()
    path.write_bytes(before[:99])
    assert run(*ONE)[0] == 0
    assert path.read_bytes() == before


def test_half_trained_and_its_history_lost(run, edit, out_half):
    for path in out_half.glob("trials/*/history.json"):
        path.unlink()
    edit(*RECIPE)
    code, _, err = run(*ONE)
    assert (code, "1 trial (half-trained) by other code" in err) == (2, True)


def test_an_older_versions_folder_goes_on_and_is_told_once(run, edit, out, capsys):
    """Its results do not say which code made them: nothing is refused and nothing is made up."""
    as_old(out)
    code, printed, _ = run(*BN, "--seeds", "2")
    assert (code, "not known" in printed) == (0, False), "nothing is added"
    code, printed, _ = run(*BN)
    assert (code, "it is not known which code trained 2 trials here" in printed) == (0, True)
    code, printed, _ = run(*BN, "--seeds", "4")
    assert (code, "it is not known" in printed) == (0, False)
    found = status.status(str(out))
    assert "2 trials by code that is not known (bn, batch 4)" in found["warnings"][0]
    assert found["trials"][0]["code"] == [None]
    assert tables.main([str(out)]) == 0
    assert f"2 not known, 2 {training_code().digest[:7]}" in capsys.readouterr().out
    edit(*RECIPE)
    code, _, err = run(*BN, "--seeds", "5")
    assert (code, "2 trials by other code" in err) == (2, True)


def test_an_older_versions_half_trained_trial(run, out_half):
    as_old(out_half)
    code, printed, _ = run(*ONE)
    assert (code, "it is not known which code trained 1 trial here" in printed) == (0, True)
    (state,) = Store(str(out_half)).scan().values()
    assert state.result["code"] == [None, training_code().digest]


def test_two_drivers(run, edit, at_epoch, command, out):
    """The second has other code: while the first holds the folder that is why, afterwards it is the code."""
    old, refused = training_code().digest, []

    def second():
        edit(*RECIPE)
        refused.append(main([*command, *BN, "--results", str(out)]))

    at_epoch(1, second)
    with pytest.MonkeyPatch.context() as patch:  # the first has read its source before the edit
        patch.setattr("orchestrator.execution.worker.training_code", lambda: source.Code(old, {}))
        code, _, err = run(*BN)
    assert (code, refused) == (0, [2])
    assert "is in use by" in err
    code, _, err = run(*BN, "--seeds", "4")
    assert (code, "3 trials by other code" in err) == (2, True)
    assert {c for s in Store(str(out)).scan().values() for c in s.result["code"]} == {old}


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_edited_while_it_runs(run, command, monkeypatch, tmp_path, capsys):
    """A worker of Ray's is a process of its own, and reads the source when it begins."""
    files = {**training_code().files, "model/recipe.py": "0" * 12}
    monkeypatch.setattr("orchestrator.execution.tune.training_code", lambda: source.Code("0" * 12, files))
    on_ray = [part if part != "inline" else "ray" for part in command]
    assert main([*on_ray, *BN, "--results", str(tmp_path / "out")]) == 1
    assert "the code was edited meanwhile: model/recipe.py" in " ".join(capsys.readouterr().out.split())
    assert not [
        state for state in Store(str(tmp_path / "out")).scan().values() if state.epochs or state.finished
    ]


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_in_a_bucket(bucket, command, edit, capsys):
    import fsspec

    main([*command, *BN, "--seeds", "1", "--results", bucket])
    edit(*RECIPE)
    before = fsspec.filesystem("s3").find(bucket)
    assert main([*command, *BN, "--results", bucket]) == 2
    assert "1 trial by other code" in capsys.readouterr().err
    assert fsspec.filesystem("s3").find(bucket) == before
    assert main([*command, *BN, "--seeds", "2", "--results", bucket, "--accept-code"]) == 0
    assert "(bn, batch 4). They differ in model/recipe.py." in status.status(bucket)["warnings"][0]


@pytest.mark.parametrize(
    "said",
    [
        None,
        {"accepted": "all", "files": [1]},
        {"accepted": [{}, None, "*"], "files": {"0123456789ab": {"model/x.py": []}, "<b>": {}}},
    ],
)
def test_a_forged_account_of_codes_accepts_nothing(run, edit, out, said):
    files = Files(str(out))
    files.write_json("sweep.json", {**(files.read_json("sweep.json") or {}), "code": said})
    edit(*RECIPE)
    code, _, err = run(*BN)
    assert (code, "which files differ is not known" in err) == (2, True)
    assert status.status(str(out))["warnings"] == []


@pytest.mark.parametrize("said", [None, "abc", [], [[]], {"a": 1}, ["<script>", 7], [None, "<b>"]])
def test_a_forged_code_of_a_result_is_not_known(out, said):
    files = Files(str(next((out / "trials").iterdir())))
    files.write_json("result.json", {**(files.read_json("result.json") or {}), "code": said})
    (sentence,) = status.status(str(out))["warnings"]
    assert "1 trial by code that is not known" in sentence


@pytest.mark.slow
def test_a_real_edit_of_a_real_copy(tmp_path):
    """Somebody's checkout, edited in an editor and run from a shell, on the digits."""
    for package in ("orchestrator", "model", "analysis"):
        shutil.copytree(ROOT / package, tmp_path / package)
    grid = tmp_path / "digits.yaml"
    grid.write_text("blocks: [{dataset: digits, norm: bn, batch_size: 128, epochs: 1, seeds: 1}]")

    def run(*more):
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator.run", "--grid", grid, "--executor", "inline", *more],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def replace(old, new):
        path = tmp_path / "model" / "recipe.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    assert run()[0] == 0
    replace("fractions of all steps", "parts of all steps")
    replace("milestones=(Fraction(3, 10), ", "milestones=(  # three\n                Fraction(3, 10), ")
    assert run("--seeds", "2")[0] == 0
    replace("weight_decay=1e-4", "weight_decay=5e-4")
    code, out, err = run("--seeds", "3")
    assert (code, out) == (2, "")
    assert "2 trials by other code" in err
    assert "model/recipe.py differs" in err
    code, out, err = run("--seeds", "3", "--accept-code")
    assert (code, err.count("trained by the same code")) == (0, 1)
    frame = pd.read_csv(tmp_path / "results" / "digits" / "results.csv")
    assert frame["code"].value_counts().tolist() == [2, 1]
    replace("weight_decay=5e-4", "weight_decay=1e-4")
    assert run("--seeds", "4")[0] == 0, "back at the code of the beginning, which is among those accepted"
